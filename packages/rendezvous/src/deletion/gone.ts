/**
 * Accounts that were deleted, for as long as somebody may ask for them. One row each (`w gone/ACCOUNT`), written in the
 * same change that takes the account away.
 *
 * 1. While something of it may be left (`left`), the row says what, so that any process can go on with it after a kill.
 * 2. After that it is known which devices came in with it, by the hash of their keys, so that they can be told. For KEPT_MS,
 *    and of GONE_MAX accounts.
 */
import { DocumentIdSchema, Failure, ProjectIdSchema, UserIdSchema, type UserId } from '@markco/protocol';
import { pathKey, pathRange } from '@markco/replica/store/key';
import type { Store, StoreWrite } from '@markco/replica/store/store';
import * as z from 'zod/mini';
import type { AccountRow } from '../accounts/account-row.ts';
import type { Rows } from '../accounts/rows.ts';
import { hashOf } from '../accounts/sessions.ts';
import type { Fence } from './fence.ts';

const KEPT_MS = 90 * 24 * 3_600_000;
const GONE_MAX = 10_000;

const GoneRowSchema = z.object({
  account: z.string(),
  userId: UserIdSchema,
  at: z.number(),
  devices: z.array(z.string()),
  left: z.optional(z.object({ projects: z.array(ProjectIdSchema), documents: z.array(DocumentIdSchema) })),
});
export type GoneRow = z.infer<typeof GoneRowSchema>;
export type Left = NonNullable<GoneRow['left']>;

export type Gone = {
  /** To be written along with the end of the account. */
  rowOf(account: AccountRow, left: Left): StoreWrite;
  /** Those of which something may be left. */
  unfinished(): readonly GoneRow[];
  /** Something of this person is being taken away just now. */
  isGoing(userId: UserId): boolean;
  /** A device that came in with one of them; `key`: its public key. */
  hadDevice(key: string): boolean;
  reload(): Promise<void>;
  /** As the store has it; undefined once nothing is left of it. */
  stillLeft(account: string): Promise<GoneRow | undefined>;
  /** Nothing is left of it. @throws Superseded */
  finish(row: GoneRow, fence: Pick<Fence, 'write'>): Promise<void>;
  /** Forgets those that were deleted long ago. */
  sweep(): Promise<void>;
};

/** Told to whoever is there, and to devices that come again. Short, so that a WebSocket closes with all of it. */
export const accountGone = (): Failure =>
  new Failure('unauthorized', 'Your account at this cloud was deleted. Your devices keep everything they have.');

export const keyOf = (account: string): Uint8Array => pathKey('w', ['gone', account]);
const write = (row: GoneRow): StoreWrite => ({
  key: keyOf(row.account),
  value: new TextEncoder().encode(JSON.stringify(row)),
});

export async function openGone({
  store,
  rows,
  now,
}: {
  readonly store: Pick<Store, 'range' | 'read'>;
  readonly rows: Rows;
  readonly now: () => number;
}): Promise<Gone> {
  let all = new Map<string, GoneRow>();
  let devices = new Set<string>();

  function take(found: Map<string, GoneRow>): void {
    all = found;
    devices = new Set([...all.values()].flatMap((row) => row.devices));
  }
  async function reload(): Promise<void> {
    const found = new Map<string, GoneRow>();
    for await (const [, value] of store.range(pathRange('w', ['gone']))) {
      const row = GoneRowSchema.parse(JSON.parse(new TextDecoder().decode(value)));
      found.set(row.account, row);
    }
    take(found);
  }
  await reload();
  rows.onReload(reload);

  const unfinished = (): GoneRow[] => [...all.values()].filter(({ left }) => left !== undefined);

  return {
    reload,
    unfinished,
    rowOf: ({ id, userId, devices: its }, left) =>
      write({ account: id, userId, at: now(), devices: its.map(({ key }) => hashOf(key)), left }),
    isGoing: (userId) => unfinished().some((row) => row.userId === userId),
    hadDevice: (key) => devices.has(hashOf(key)),
    async stillLeft(account) {
      const value = await store.read(keyOf(account));
      const row = value === undefined ? undefined : GoneRowSchema.parse(JSON.parse(new TextDecoder().decode(value)));
      return row?.left === undefined ? undefined : row;
    },
    async finish({ account, userId, at, devices: its }, fence) {
      const row: GoneRow = { account, userId, at, devices: its };
      await fence.write([write(row)]);
      // The others read it when they read who may come in.
      await rows.write(() => [write(row)]);
      take(new Map([...all, [row.account, row]]));
    },
    async sweep() {
      const done = [...all.values()].filter(({ left }) => left === undefined).toSorted((a, b) => a.at - b.at);
      const over = done.filter(({ at }, index) => at + KEPT_MS <= now() || done.length - index > GONE_MAX);
      if (over.length === 0) return;
      await rows.write(() => over.map(({ account }) => ({ key: keyOf(account), value: null })));
      const gone = new Set(over.map(({ account }) => account));
      take(new Map([...all].filter(([account]) => !gone.has(account))));
    },
  };
}
