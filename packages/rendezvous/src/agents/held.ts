/**
 * Which process of a cloud has an agent, and what that agent can run; kept, and known to all of them:
 *
 *   n agent/AGENT   who has it, or had it last; its version counts how often it came
 *
 * What is written at a version that is not the last one any more counts for nothing (`run-rows.ts`). So whoever takes an
 * agent over first counts one on, and reads then.
 */
import {
  AgentRuntimeSchema,
  DeviceIdSchema,
  Failure,
  UserIdSchema,
  type DeviceId,
  type UserId,
} from '@markco/protocol';
import type { Log } from '@markco/replica/documents/log';
import { pathRange } from '@markco/replica/store/key';
import type { SharedStore } from '@markco/replica/store/shared-store';
import type { Store } from '@markco/replica/store/store';
import * as z from 'zod/mini';
import { agentKey, versionOf } from './run-rows.ts';

const TRIES_MAX = 5;

const HeldSchema = z.object({
  agent: DeviceIdSchema,
  userId: UserIdSchema,
  /** How often it came. */
  count: z.number(),
  /** Another one after each start. */
  process: z.string(),
  isConnected: z.boolean(),
  /** Since when it is connected, or is not, Unix milliseconds. */
  since: z.number(),
  instance: z.string(),
  os: z.optional(z.string()),
  version: z.optional(z.string()),
  runtimes: z.array(AgentRuntimeSchema),
});
export type Held = z.infer<typeof HeldSchema>;
/** Whether such a row is of an agent of this user. */
export function isOf(value: Uint8Array, user: UserId): boolean {
  const { success, data } = HeldSchema.safeParse(JSON.parse(new TextDecoder().decode(value)));
  return success && data.userId === user;
}
export type HeldNow = Omit<Held, 'process' | 'count'>;

export type HeldParts = {
  readonly store: Pick<Store, 'read' | 'range'>;
  readonly log: Pick<Log, 'writeIf'>;
  /** Null where nobody else writes. */
  readonly shared: Pick<SharedStore, 'versions'> | null;
  readonly process: string;
  /** Whether another process is heard of, or cannot be heard of now. */
  readonly isUp: (process: string) => boolean;
};

export type HeldAgents = Awaited<ReturnType<typeof openHeld>>;

export async function openHeld({ store, log, shared, process, isUp }: HeldParts) {
  const known = new Map<DeviceId, Held>();

  function parse(value: Uint8Array): Held {
    const parsed = HeldSchema.safeParse(JSON.parse(new TextDecoder().decode(value)));
    if (parsed.success) return parsed.data;
    throw new Failure('storage_failed', 'What is kept of an agent cannot be read. Upgrade this cloud, or restore it.', {
      cause: parsed.error,
    });
  }

  async function put(held: Held, was: number, next: number): Promise<boolean> {
    const key = agentKey(held.agent);
    const value = new TextEncoder().encode(JSON.stringify(held));
    const isTaken = await log.writeIf({ guard: { key, was, next }, batch: [{ key, value }] });
    if (isTaken) known.set(held.agent, held);
    return isTaken;
  }

  for await (const [, value] of store.range(pathRange('n', ['agent']))) {
    const held = parse(value);
    known.set(held.agent, held);
  }

  return {
    /** As it was last, wherever that was. */
    last: (agent: DeviceId): Held | undefined => known.get(agent),

    /** Where it is connected, when that is another process. */
    elsewhere(agent: DeviceId): Held | undefined {
      const held = known.get(agent);
      return held?.isConnected === true && held.process !== process && isUp(held.process) ? held : undefined;
    },

    /**
     * From now on nobody else writes about it. Answers the version to write at.
     * @throws Failure `not_ready` when it came at several processes at once
     */
    async take(held: HeldNow): Promise<number> {
      for (let tries = 0; tries < TRIES_MAX; tries++) {
        const was =
          shared === null ? (known.get(held.agent)?.count ?? 0) : await versionOf(shared, agentKey(held.agent));
        if (await put({ ...held, process, count: was + 1 }, was, was + 1)) return was + 1;
      }
      throw new Failure('not_ready', 'This agent came at several places at once. Come again.');
    },

    /** What is so here already, and is said soon. */
    note(held: HeldNow): void {
      const before = known.get(held.agent);
      if (before?.process === process) known.set(held.agent, { ...before, ...held });
    },

    /** What is said of one that is here. False when it came elsewhere meanwhile. */
    say: (held: HeldNow, version: number): Promise<boolean> =>
      put({ ...held, process, count: version }, version, version),

    /** It was removed, and comes back no more. That it was taken over counts for ever. */
    async forget(agent: DeviceId): Promise<void> {
      const key = agentKey(agent);
      const version = await versionOf(shared, key);
      await log.writeIf({ guard: { key, was: version, next: version }, batch: [{ key, value: null }] });
      known.delete(agent);
    },

    /** Another process may have said something of it. */
    async read(agent: DeviceId): Promise<Held | undefined> {
      const value = await store.read(agentKey(agent));
      if (value === undefined) {
        known.delete(agent);
        return undefined;
      }
      const held = parse(value);
      if ((known.get(agent)?.count ?? 0) <= held.count) known.set(agent, held);
      return held;
    },
  };
}
