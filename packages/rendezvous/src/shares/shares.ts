/**
 * Share links: one document or one project of a person, for whoever has the link, until it ends or is revoked.
 *
 * 1. What is secret in a link is told once; here there is its hash, so that whoever reads the store cannot come by it.
 * 2. When a link ends, so do the connections of whoever came by it, in the same turn; at other processes when they have
 *    read that it is gone.
 */
import {
  DocumentIdSchema,
  Failure,
  newId,
  ProjectIdSchema,
  ShareRoleSchema,
  UserIdSchema,
  type IdSource,
  type UserId,
} from '@markco/protocol';
import { pathKey, pathRange } from '@markco/replica/store/key';
import type { Store } from '@markco/replica/store/store';
import * as z from 'zod/mini';
import type { Live } from '../accounts/live.ts';
import type { Rows } from '../accounts/rows.ts';
import { hashOf } from '../accounts/sessions.ts';

/** Of one person. */
export const SHARES_MAX = 200;
const SECRET_BYTES = 16;

const ShareRowSchema = z.object({
  id: z.string(),
  /** Whose project it is. */
  userId: UserIdSchema,
  projectId: ProjectIdSchema,
  documentId: z.optional(DocumentIdSchema),
  /** Of a link to suggest changes: the copy that guests write in. */
  copyId: z.optional(DocumentIdSchema),
  /** How many of its updates made it what the document was. */
  copySeq: z.optional(z.number()),
  role: ShareRoleSchema,
  createdAt: z.number(),
  endsAt: z.optional(z.number()),
});
export type ShareRow = z.infer<typeof ShareRowSchema>;

type Wanted = Omit<ShareRow, 'id' | 'createdAt' | 'endsAt'> & { readonly lastsMs?: number };

export type Shares = {
  /** Newest first. */
  list(userId: UserId): readonly ShareRow[];
  get(id: string): ShareRow | undefined;
  withToken(token: string): ShareRow | undefined;
  /** @throws Failure `too_many` when one more would be refused */
  requireRoom(userId: UserId): void;
  /** @throws Failure `too_many` */
  make(about: Wanted): Promise<{ readonly share: ShareRow; readonly token: string }>;
  /** @throws Failure `not_found` for what is none of theirs */
  revoke(userId: UserId, id: string): Promise<void>;
  /** Cuts off who came by links whose time is over. */
  endOver(): void;
  /** Forgets such links. */
  sweep(): Promise<void>;
};

export async function openShares({
  store,
  rows,
  ids,
  live,
}: {
  readonly store: Pick<Store, 'range'>;
  readonly rows: Rows;
  readonly ids: IdSource;
  /** Connections, by `share ID`. */
  readonly live: Pick<Live, 'end'>;
}): Promise<Shares> {
  const { now } = ids;
  const byHash = new Map<string, ShareRow>();
  const hashes = new Map<string, string>();

  function put(hash: string, share: ShareRow): void {
    byHash.set(hash, share);
    hashes.set(share.id, hash);
  }
  function forget(hash: string, why: Failure): void {
    const id = byHash.get(hash)?.id ?? '';
    byHash.delete(hash);
    hashes.delete(id);
    live.end(`share ${id}`, why);
  }

  async function read(): Promise<void> {
    const gone = new Set(byHash.keys());
    for await (const [key, value] of store.range(pathRange('w', ['share']))) {
      const hash = new TextDecoder().decode(key).split('/')[1] ?? '';
      gone.delete(hash);
      put(hash, ShareRowSchema.parse(JSON.parse(new TextDecoder().decode(value))));
    }
    for (const hash of gone) forget(hash, revoked());
  }
  await read();
  rows.onReload(read);

  const keyOf = (hash: string): Uint8Array => pathKey('w', ['share', hash]);
  const isOver = ({ endsAt }: ShareRow): boolean => endsAt !== undefined && endsAt <= now();
  const unlessOver = (share: ShareRow | undefined): ShareRow | undefined =>
    share === undefined || isOver(share) ? undefined : share;
  const list = (userId: UserId): ShareRow[] =>
    [...byHash.values()]
      .filter((share) => share.userId === userId && !isOver(share))
      .toSorted((a, b) => b.createdAt - a.createdAt);

  function requireRoom(userId: UserId): void {
    if (list(userId).length >= SHARES_MAX)
      throw new Failure('too_many', `You have ${SHARES_MAX} links. Revoke some first.`);
  }

  return {
    list,
    requireRoom,
    get: (id) => unlessOver(byHash.get(hashes.get(id) ?? '')),
    withToken: (token) => unlessOver(byHash.get(hashOf(token))),
    async make({ lastsMs, ...about }) {
      const token = Buffer.from(ids.randomBytes(SECRET_BYTES)).toString('base64url');
      const hash = hashOf(token);
      const createdAt = now();
      const ends = lastsMs === undefined ? {} : { endsAt: createdAt + lastsMs };
      const share: ShareRow = { ...about, id: newId(ids), createdAt, ...ends };
      await rows.write(() => {
        requireRoom(about.userId);
        return [{ key: keyOf(hash), value: new TextEncoder().encode(JSON.stringify(share)) }];
      });
      put(hash, share);
      return { share, token };
    },
    async revoke(userId, id) {
      const hash = hashes.get(id) ?? '';
      if (byHash.get(hash)?.userId !== userId) throw new Failure('not_found', 'There is no such link here.');
      await rows.write(() => [{ key: keyOf(hash), value: null }]);
      forget(hash, revoked());
    },
    endOver() {
      for (const share of byHash.values()) if (isOver(share)) live.end(`share ${share.id}`, over());
    },
    async sweep() {
      const ended = [...byHash].flatMap(([hash, share]) => (isOver(share) ? [hash] : []));
      if (ended.length === 0) return;
      await rows.write(() => ended.map((hash) => ({ key: keyOf(hash), value: null })));
      for (const hash of ended) forget(hash, over());
    },
  };
}

const revoked = (): Failure => new Failure('unauthorized', 'This link was revoked by its owner.');
const over = (): Failure => new Failure('unauthorized', 'The time of this link is over.');
