/**
 * What is public, and under which names.
 *
 *   b name/NAME          whose `/@NAME` is; never removed, so that a name leads to nobody else later
 *   b user/USER          the name of a person
 *   b project/PROJECT    where a project is public
 *   b at/NAME/SLUG       the publication there
 *   b pages/PROJECT      the pages as they were when their owner said so
 *
 * A row is read when it is asked for: what was taken back is gone for whoever asks next.
 */
import { Failure, type DocumentId, type ProjectId, type UserId } from '@markco/protocol';
import type { Log } from '@markco/replica/documents/log';
import { pathKey } from '@markco/replica/store/key';
import type { Store } from '@markco/replica/store/store';

export type Publication = {
  readonly projectId: ProjectId;
  readonly userId: UserId;
  readonly userName: string;
  /** Of the project, in addresses. */
  readonly name: string;
  readonly update: 'saved' | 'asked';
  /** ISO 8601. */
  readonly since: string;
  readonly publishedAt: string;
  /** Ids of findings that may be shown. */
  readonly allowed: readonly string[];
};

/** A page as it was: the document after its first `seq` updates. */
export type PublishedPage = {
  readonly id: DocumentId;
  readonly path: string;
  readonly ext: '.md' | '.qmd';
  readonly seq: number;
  readonly createdAt: string;
  readonly updatedAt: string;
};

/** Findings of one project that may be shown; beyond it the oldest is held back again. */
const ALLOWED_MAX = 1_000;

export type Publications = ReturnType<typeof createPublications>;

export function createPublications({
  store,
  log,
}: {
  readonly store: Pick<Store, 'read'>;
  readonly log: Pick<Log, 'write'>;
}) {
  const keys = {
    name: (name: string) => pathKey('b', ['name', name]),
    user: (id: UserId) => pathKey('b', ['user', id]),
    project: (id: ProjectId) => pathKey('b', ['project', id]),
    at: (userName: string, name: string) => pathKey('b', ['at', userName, name]),
    pages: (id: ProjectId) => pathKey('b', ['pages', id]),
  };
  /** One change after another: of two who want one name the second finds it taken. */
  let changing: Promise<unknown> = Promise.resolve();
  function inTurn<T>(change: () => Promise<T>): Promise<T> {
    const done = changing.catch(() => undefined).then(change);
    changing = done;
    return done;
  }

  async function read<T>(key: Uint8Array): Promise<T | undefined> {
    const row = await store.read(key);
    // Written by this program and read by it alone.
    return row === undefined ? undefined : (JSON.parse(new TextDecoder().decode(row)) as T);
  }
  const row = (key: Uint8Array, value: unknown) => ({ key, value: new TextEncoder().encode(JSON.stringify(value)) });

  /** The rows that make this name the person's. */
  async function claim(userId: UserId, wanted: string | undefined) {
    const own = await read<string>(keys.user(userId));
    if (own !== undefined) {
      if (wanted === undefined || wanted === own) return { userName: own, rows: [] };
      throw new Failure(
        'conflict',
        `Your pages are at /@${own} already, where others may have links to. Publish without another name.`,
      );
    }
    if (wanted === undefined)
      throw new Failure(
        'bad_request',
        'Choose the name that your pages are under, as in /@ada: markco publish --as ada',
      );
    // Theirs before, if they come again after they had their account deleted.
    const owner = await read<UserId>(keys.name(wanted));
    if (owner !== undefined && owner !== userId)
      throw new Failure('conflict', `The name ${wanted} is somebody else's here, or was. Choose another one.`);
    return { userName: wanted, rows: [row(keys.name(wanted), userId), row(keys.user(userId), wanted)] };
  }

  return {
    ownerOf: (userName: string) => read<UserId>(keys.name(userName)),
    nameOf: (userId: UserId) => read<string>(keys.user(userId)),
    at: (userName: string, name: string) => read<Publication>(keys.at(userName, name)),
    async of(projectId: ProjectId): Promise<Publication | undefined> {
      const place = await read<{ readonly userName: string; readonly name: string }>(keys.project(projectId));
      return place === undefined ? undefined : read<Publication>(keys.at(place.userName, place.name));
    },
    pages: async (projectId: ProjectId) => (await read<readonly PublishedPage[]>(keys.pages(projectId))) ?? [],

    /**
     * @param pages null while readers see what is saved
     * @throws Failure `bad_request` without a name for who has none, `conflict` for a name that is not theirs
     */
    put: (
      wanted: Omit<Publication, 'userName' | 'allowed'>,
      { userName: name, allow }: { readonly userName: string | undefined; readonly allow: readonly string[] },
      pages: readonly PublishedPage[] | null,
    ) =>
      inTurn(async () => {
        const { userName, rows } = await claim(wanted.userId, name);
        const before = await read<Publication>(keys.at(userName, wanted.name));
        if (before !== undefined && before.projectId !== wanted.projectId)
          throw new Failure('conflict', `Another project of yours is at /@${userName}/${wanted.name} already.`);
        const publication: Publication = {
          ...wanted,
          userName,
          allowed: [...new Set([...(before?.allowed ?? []), ...allow])].slice(-ALLOWED_MAX),
        };
        await log.write([
          ...rows,
          row(keys.at(userName, wanted.name), publication),
          row(keys.project(wanted.projectId), { userName, name: wanted.name }),
          pages === null
            ? { key: keys.pages(wanted.projectId), value: null }
            : row(keys.pages(wanted.projectId), pages),
        ]);
        return publication;
      }),

    remove: ({ userName, name, projectId }: Publication) =>
      inTurn(() =>
        log.write([
          { key: keys.at(userName, name), value: null },
          { key: keys.project(projectId), value: null },
          { key: keys.pages(projectId), value: null },
        ]),
      ),
  };
}
