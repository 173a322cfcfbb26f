/**
 * The container of one project: made when a session first needs it, ended when the last one has left it.
 *
 * 1. It is found again by its name, so that sessions in it outlive this program.
 * 2. One that was made for something else (another image, other limits) is replaced while no session is in it.
 * 3. Joining and leaving happen one after another.
 */
import { execFile } from 'node:child_process';
import { chown, mkdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { Failure, type SessionId } from '@markco/protocol';
import * as z from 'zod/mini';
import { groupsOf, type Groups } from './container-hold.ts';
import type { Engine } from './engine.ts';
import { GVISOR } from './gvisor.ts';
import { createDiskWatch, measureFolders } from './disk-watch.ts';
import { containerSpec, SPEC_LABEL, specHash, type ContainerWish } from './spec.ts';

const ASK_MS = 10_000;
const GIVE_MS = 60_000;
/** Who opens a project and runs no cell for so long has come to read. */
const WARM_MS = 10 * 60_000;

const InspectedSchema = z.object({
  Id: z.string(),
  State: z.object({ Running: z.boolean(), Pid: z.int(), OOMKilled: z.boolean() }),
  HostConfig: z.object({ Runtime: z.string() }),
  Config: z.object({ Labels: z.nullable(z.record(z.string(), z.string())) }),
});
type Inspected = z.infer<typeof InspectedSchema>;
const CreatedSchema = z.object({ Id: z.string() });

export type ProjectContainerParts = {
  readonly engine: Engine;
  readonly name: string;
  /** Of the device, on a label. */
  readonly owner: string;
  /** Shared with the container. */
  readonly folder: string;
  readonly wish: Omit<ContainerWish, 'image' | 'runtime' | 'projectFolder' | 'sessionsFolder'>;
  /** The id of its image, and what it runs with. Fails where no container may be started now. */
  readonly ready: (signal: AbortSignal) => Promise<Pick<ContainerWish, 'image' | 'runtime'>>;
  /** Resolves when the network that it wishes is there. */
  readonly network: (signal: AbortSignal) => Promise<void>;
  /** This program may give files to the user of the container. */
  readonly gives: boolean;
};

/** A container that runs now. */
export type Running = { readonly id: string; readonly isGvisor: boolean };

export type ProjectContainer = ReturnType<typeof createProjectContainer>;

export function createProjectContainer(parts: ProjectContainerParts) {
  const { engine, name, folder, gives } = parts;
  const { user } = parts.wish;
  const sessions = new Set<SessionId>();
  let known: (Running & { readonly groups: Groups | null }) | null = null;
  /** Started here, though whoever asked for it may have left before it was known to run. */
  let isStarted = false;
  let warmed: NodeJS.Timeout | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  /** Once it is known which one it is. */
  let projectFolder: string | null = null;
  const disk = createDiskWatch({
    bytesMax: parts.wish.limits.diskBytes,
    now: () => performance.now(),
    measure: async () => (projectFolder === null ? null : measureFolders([projectFolder, folder])),
  });

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = turn.then(work, work);
    turn = mine.catch(() => undefined);
    return mine;
  }

  async function inspect(signal: AbortSignal): Promise<Inspected | null> {
    try {
      return InspectedSchema.parse(await engine.call('GET', `/containers/${name}/json`, signal));
    } catch (error) {
      if (error instanceof Failure && error.code === 'not_found') return null;
      throw error;
    }
  }

  async function end(): Promise<void> {
    known = null;
    isStarted = false;
    await engine
      .call('DELETE', `/containers/${name}?force=1&v=1`, AbortSignal.timeout(ASK_MS))
      .catch((error: unknown) => {
        if (!(error instanceof Failure) || error.code !== 'not_found') throw error;
      });
  }

  async function make(of: string, signal: AbortSignal): Promise<Running> {
    projectFolder = of;
    const wish = { ...parts.wish, ...(await parts.ready(signal)), projectFolder: of, sessionsFolder: folder };
    const found = await inspect(signal);
    const fits = found?.Config.Labels?.[SPEC_LABEL] === specHash(wish);
    if (found !== null && found.State.Running && (fits || sessions.size > 0)) return note(found);
    if (found !== null && !fits) await end();
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chown(folder, user.uid, user.gid);
    // A project of a device that runs as root is given to the user of its container, which else could write nothing.
    if (gives)
      await promisify(execFile)('chown', ['-R', '-h', `${user.uid}:${user.gid}`, '--', of], {
        timeout: GIVE_MS,
      });
    await parts.network(signal);
    if (found === null || !fits)
      CreatedSchema.parse(
        await engine.call('POST', `/containers/create?name=${name}`, signal, containerSpec(wish, parts.owner)),
      );
    isStarted = true;
    await engine.call('POST', `/containers/${name}/start`, signal);
    const started = await inspect(signal);
    if (started === null || !started.State.Running)
      throw new Failure('runtime_missing', 'The container of this project ended as it was started.');
    return note(started);
  }

  async function note({ Id: id, State, HostConfig }: Inspected): Promise<Running> {
    known = { id, isGvisor: HostConfig.Runtime === GVISOR, groups: await groupsOf(State.Pid) };
    return known;
  }

  async function look(): Promise<typeof known> {
    if (known !== null) return known;
    const found = await inspect(AbortSignal.timeout(ASK_MS));
    if (found === null || !found.State.Running) return null;
    await note(found);
    return known;
  }

  /** Ends it unless a session is in it. */
  async function endUnused(): Promise<void> {
    clearTimeout(warmed);
    await inTurn(async () => {
      if ((known !== null || isStarted) && sessions.size === 0) await end();
    });
  }

  return {
    folder,
    full: disk.full,

    /** Makes it ready for whoever comes within WARM_MS. */
    async warm(projectFolder: string, signal: AbortSignal): Promise<void> {
      await inTurn(() => make(projectFolder, signal));
      warmed = setTimeout(() => void endUnused().catch(() => undefined), WARM_MS).unref();
    },

    endUnused,

    /** Resolves once it runs. */
    join: (session: SessionId, projectFolder: string, signal: AbortSignal): Promise<Running> =>
      inTurn(async () => {
        const found = await make(projectFolder, signal);
        sessions.add(session);
        return found;
      }),

    /** A session that was found in it. Null when it does not run. */
    rejoin: (session: SessionId, of: string | null): Promise<Running | null> =>
      inTurn(async () => {
        projectFolder ??= of;
        const found = await look();
        if (found !== null) sessions.add(session);
        return found;
      }),

    /** Everything in it ends with the last session. */
    leave: (session: SessionId): Promise<void> =>
      inTurn(async () => {
        if (sessions.delete(session) && sessions.size === 0) await end();
      }),

    isOutOfMemory: async (): Promise<boolean> =>
      (await inspect(AbortSignal.timeout(ASK_MS)).catch(() => null))?.State.OOMKilled === true,

    groups: async (): Promise<Groups | null> => (sessions.size === 0 ? null : ((await look())?.groups ?? null)),
  };
}
