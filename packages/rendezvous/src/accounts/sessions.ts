/**
 * Who is signed in. A session is a random token in a cookie; here there is its hash, so that whoever reads the store
 * cannot sign in by it.
 *
 * 1. It ends 12 hours after it was used last, and 30 days after it began; on a public computer 12 hours after it began.
 * 2. What takes that whoever is signed in is still there wants that shown within the last FRESH_MS: the sign-in itself, or
 *    `confirm`.
 * 3. When it ends, so do the connections that were opened with it.
 */
import { Failure, newId, type IdSource } from '@markco/protocol';
import { pathKey, pathRange } from '@markco/replica/store/key';
import type { Store } from '@markco/replica/store/store';
import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import type { Live } from './live.ts';
import type { Rows } from './rows.ts';

const HOUR_MS = 3_600_000;
const IDLE_MS = 12 * HOUR_MS;
const WHOLE_MS = 30 * 24 * HOUR_MS;
const PUBLIC_MS = 12 * HOUR_MS;
export const FRESH_MS = 300_000;
/** How much of its use a killed cloud may forget. */
const KEEP_USE_MS = 300_000;
/** Of one account, unless it is said otherwise; the one used longest ago ends for another. */
const SESSIONS_MAX = 50;

const SessionSchema = z.object({
  id: z.string(),
  /** Whose it is: an account, or a share link that a guest came by. */
  account: z.string(),
  isPublic: z.boolean(),
  with: z.string(),
  browser: z.string(),
  createdAt: z.number(),
  seenAt: z.number(),
  /** When whoever is signed in showed last that it is them. */
  confirmedAt: z.optional(z.number()),
});
export type Session = z.infer<typeof SessionSchema>;

const shownAt = ({ createdAt, confirmedAt = createdAt }: Session): number => Math.max(createdAt, confirmedAt);

export type Beginning = Pick<Session, 'account' | 'isPublic' | 'with' | 'browser'>;

export type Sessions = {
  /** The token is known to nobody else, and is not told again. */
  begin(about: Beginning, max?: number): Promise<{ readonly token: string; readonly session: Session }>;
  /** Undefined when it is none, or is over. Counts as its use. */
  find(token: string): Session | undefined;
  /** One that is not over, by its id. */
  get(id: string): Session | undefined;
  /** It was shown again who is there. @throws Failure `unauthorized` for one that is over */
  confirm(id: string): Promise<void>;
  isFresh(id: string): boolean;
  /** Newest first. */
  list(account: string): readonly Session[];
  end(id: string): Promise<void>;
  /** Ends what is over. Live connections count as use. */
  sweep(): Promise<void>;
};

export const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');

export function endOf({ isPublic, createdAt, seenAt }: Session): number {
  return isPublic ? createdAt + PUBLIC_MS : Math.min(createdAt + WHOLE_MS, seenAt + IDLE_MS);
}

export async function openSessions({
  store,
  rows,
  ids,
  live,
  onTrouble,
}: {
  readonly store: Pick<Store, 'range'>;
  readonly rows: Rows;
  readonly ids: IdSource;
  /** Connections, by `session ID`. */
  readonly live: Pick<Live, 'end' | 'isHeld'>;
  readonly onTrouble: (doing: string, cause: unknown) => void;
}): Promise<Sessions> {
  const { now } = ids;
  type Kept = { session: Session; writtenAt: number };
  const byHash = new Map<string, Kept>();
  const hashes = new Map<string, string>();

  /** Ended here, and perhaps not yet on disk. */
  const ending = new Set<string>();
  async function read(): Promise<void> {
    const ended = new Set(byHash.keys());
    for await (const [key, value] of store.range(pathRange('w', ['session']))) {
      const session = SessionSchema.parse(JSON.parse(new TextDecoder().decode(value)));
      const hash = new TextDecoder().decode(key).split('/')[1] ?? '';
      if (ending.has(hash)) continue;
      ended.delete(hash);
      const known = byHash.get(hash);
      const confirmed = Math.max(shownAt(session), known === undefined ? 0 : shownAt(known.session));
      const newest = known === undefined || known.session.seenAt < session.seenAt ? session : known.session;
      byHash.set(hash, {
        session: { ...newest, confirmedAt: confirmed },
        writtenAt: Math.max(session.seenAt, known?.writtenAt ?? 0),
      });
      hashes.set(session.id, hash);
    }
    for (const hash of ended) forget(hash);
  }
  await read();
  rows.onReload(read);

  const write = (hash: string, session: Session | null): Promise<void> =>
    rows.write(() => [
      {
        key: pathKey('w', ['session', hash]),
        value: session === null ? null : new TextEncoder().encode(JSON.stringify(session)),
      },
    ]);

  /** In this turn it lets nobody in any more, whatever the disk says. */
  function forget(hash: string): void {
    const id = byHash.get(hash)?.session.id ?? '';
    byHash.delete(hash);
    hashes.delete(id);
    live.end(`session ${id}`, new Failure('unauthorized', 'This session was ended. Sign in again.'));
  }

  async function end(id: string): Promise<void> {
    const hash = hashes.get(id);
    if (hash === undefined) return;
    forget(hash);
    ending.add(hash);
    await write(hash, null).finally(() => ending.delete(hash));
  }

  function used(hash: string, kept: Kept): void {
    kept.session = { ...kept.session, seenAt: now() };
    if (now() - kept.writtenAt < KEEP_USE_MS) return;
    kept.writtenAt = now();
    write(hash, kept.session).catch((cause: unknown) => onTrouble('keeping when a session was used', cause));
  }

  const list = (account: string): Session[] =>
    [...byHash.values()]
      .map(({ session }) => session)
      .filter((session) => session.account === account && endOf(session) > now())
      .toSorted((a, b) => b.createdAt - a.createdAt);

  return {
    async begin(about, max = SESSIONS_MAX) {
      const others = list(about.account).toSorted((a, b) => a.seenAt - b.seenAt);
      for (const { id } of others.slice(0, Math.max(0, others.length + 1 - max))) await end(id);
      const token = Buffer.from(ids.randomBytes(32)).toString('base64url');
      const hash = hashOf(token);
      const session = { ...about, id: newId(ids), createdAt: now(), seenAt: now() };
      await write(hash, session);
      byHash.set(hash, { session, writtenAt: now() });
      hashes.set(session.id, hash);
      return { token, session };
    },
    find(token) {
      const hash = hashOf(token);
      const kept = byHash.get(hash);
      if (kept === undefined || endOf(kept.session) <= now()) return undefined;
      used(hash, kept);
      return kept.session;
    },
    get(id) {
      const session = byHash.get(hashes.get(id) ?? '')?.session;
      return session !== undefined && endOf(session) > now() ? session : undefined;
    },
    async confirm(id) {
      const hash = hashes.get(id) ?? '';
      const kept = byHash.get(hash);
      if (kept === undefined) throw new Failure('unauthorized', 'This session was ended. Sign in again.');
      const confirmedAt = now();
      await write(hash, { ...kept.session, seenAt: confirmedAt, confirmedAt });
      const then = byHash.get(hash);
      if (then !== undefined) then.session = { ...then.session, seenAt: confirmedAt, confirmedAt };
    },
    isFresh(id) {
      const session = byHash.get(hashes.get(id) ?? '')?.session;
      return session !== undefined && now() - shownAt(session) <= FRESH_MS;
    },
    list,
    end,
    async sweep() {
      for (const [hash, kept] of byHash) {
        if (endOf(kept.session) <= now()) await end(kept.session.id);
        else if (live.isHeld(`session ${kept.session.id}`)) used(hash, kept);
      }
    },
  };
}
