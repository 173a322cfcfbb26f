/**
 * What a session may take of the machine, so that runaway code slows its own session and nothing else.
 *
 * A kind of limit (`cgroup-v1.ts`, `cgroup-v2.ts`, `process-session.ts`) holds a session's processes, says what they
 * cost, which limit they met, and ends them all. What it holds is found again by the session's id.
 */
import type { SessionId } from '@markco/protocol';

export type SessionLimits = {
  /** Of all processes of a session together. Over it, the system ends the largest of them. */
  readonly memoryBytes: number;
  /** Processes and threads of a session together. Over it, starting a further one fails. */
  readonly processes: number;
  /** Cores that a session may keep busy, `0.5` for half of one. Over it, it waits. Null for all there are. */
  readonly cpus: number | null;
};

export type Cost = {
  readonly memoryBytes: number;
  /** Since they began. */ readonly cpuMs: number;
  readonly processes: number;
};

/** How often each limit was met since the session's processes were first held. */
export type LimitsMet = {
  readonly memory: number;
  readonly processes: number;
  /** Tenths of a second in which it had to wait for the processor. */ readonly cpu: number;
};
export const NONE_MET: LimitsMet = { memory: 0, processes: 0, cpu: 0 };

/** Microseconds: the share of the processor is counted anew in each. */
export const CPU_PERIOD_US = 100_000;

export type Hold = {
  /** Where nothing counts a session's memory together: what each of its processes may have, set as it starts. */
  readonly processBytesMax: number | null;
  /**
   * Makes ready to take processes in. Resolves with the files in which a process without threads takes itself in, by
   * writing `0` to each; null where that is no quicker than `add`, which waits for every processor of the machine.
   */
  prepare(): Promise<readonly string[] | null>;
  /** Takes a process in, and with it whatever it starts from now on. Never rejects: one that is gone needs no limit. */
  add(pid: number): Promise<void>;
  /** Null when nothing is held. */
  cost(): Promise<Cost | null>;
  met(): Promise<LimitsMet>;
  /** Kills everything held, also what left the process group. Resolves when nothing is left. */
  killAll(): Promise<void>;
};

export type LimitKind = {
  /** For people: `cgroup v2`. */
  readonly name: string;
  hold(session: SessionId, limits: SessionLimits): Hold;
};
