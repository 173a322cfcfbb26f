/** Who may make an account where not everybody may: whoever has an invite, which is for one account, within a week. */
import { Failure, newId, type IdSource } from '@markco/protocol';
import { pathKey, pathRange } from '@markco/replica/store/key';
import type { Store, StoreWrite } from '@markco/replica/store/store';
import * as z from 'zod/mini';
import type { Rows } from './rows.ts';
import { hashOf } from './sessions.ts';

const WEEK_MS = 7 * 24 * 3_600_000;
const INVITES_MAX = 1_000;

const InviteSchema = z.object({ id: z.string(), createdAt: z.number() });
type Invite = z.infer<typeof InviteSchema>;

export type Invites = {
  /** Those that nobody has used and that are not over. */
  list(): readonly { readonly id: string; readonly createdAt: number; readonly endsAt: number }[];
  make(): Promise<{ readonly id: string; readonly code: string; readonly endsAt: number }>;
  withdraw(id: string): Promise<void>;
  /** @throws Failure `forbidden` when it is none, or is over */
  require(code: string | undefined): void;
  /** Used by the work, unless that fails: of two at once one is refused. */
  use<T>(code: string, work: () => Promise<T>): Promise<T>;
};

export async function openInvites({
  store,
  rows,
  ids,
}: {
  readonly store: Pick<Store, 'range'>;
  readonly rows: Rows;
  readonly ids: IdSource;
}): Promise<Invites> {
  const { now } = ids;
  const byHash = new Map<string, Invite>();
  const using = new Set<string>();
  async function read(): Promise<void> {
    const found = new Map<string, Invite>();
    for await (const [key, value] of store.range(pathRange('w', ['invite'])))
      found.set(
        new TextDecoder().decode(key).split('/')[1] ?? '',
        InviteSchema.parse(JSON.parse(new TextDecoder().decode(value))),
      );
    byHash.clear();
    for (const [hash, invite] of found) byHash.set(hash, invite);
  }
  await read();
  rows.onReload(read);
  const endOf = ({ createdAt }: Invite): number => createdAt + WEEK_MS;
  const isGood = (hash: string): boolean => {
    const invite = byHash.get(hash);
    return invite !== undefined && endOf(invite) > now() && !using.has(hash);
  };

  const remove = (hash: string): StoreWrite => ({ key: pathKey('w', ['invite', hash]), value: null });

  async function put(hash: string, invite: Invite): Promise<void> {
    const value = new TextEncoder().encode(JSON.stringify(invite));
    await rows.write(() => [{ key: pathKey('w', ['invite', hash]), value }]);
    byHash.set(hash, invite);
  }

  async function drop(hash: string): Promise<void> {
    await rows.write(() => [remove(hash)]);
    byHash.delete(hash);
  }

  function require(code: string | undefined): void {
    if (code === undefined || !isGood(hashOf(code)))
      throw code === undefined
        ? new Failure('forbidden', 'This cloud takes in whom it has invited. Ask who runs it for an invite.')
        : used();
  }

  return {
    list: () =>
      [...byHash.values()]
        .filter((invite) => endOf(invite) > now())
        .map((invite) => ({ ...invite, endsAt: endOf(invite) })),
    async make() {
      for (const [hash, invite] of byHash) if (endOf(invite) <= now()) await drop(hash);
      if (byHash.size >= INVITES_MAX)
        throw new Failure('too_many', `There are ${INVITES_MAX} invites that nobody has used. Withdraw some first.`);
      const code = Buffer.from(ids.randomBytes(16)).toString('base64url');
      const invite = { id: newId<string>(ids), createdAt: now() };
      await put(hashOf(code), invite);
      return { id: invite.id, code, endsAt: endOf(invite) };
    },
    async withdraw(id) {
      for (const [hash, invite] of byHash) if (invite.id === id) return drop(hash);
      throw new Failure('not_found', 'There is no such invite here.');
    },
    require,
    async use(code, work) {
      require(code);
      const hash = hashOf(code);
      const invite = byHash.get(hash);
      using.add(hash);
      try {
        // Before the work: another process may be about to use it too.
        await rows.write(() => {
          if (!byHash.has(hash)) throw used();
          return [remove(hash)];
        });
        byHash.delete(hash);
        return await work().catch(async (error: unknown) => {
          if (invite !== undefined) await put(hash, invite);
          throw error;
        });
      } finally {
        using.delete(hash);
      }
    },
  };
}

const used = (): Failure => new Failure('forbidden', 'This invite was used, or is over. Ask for another one.');
