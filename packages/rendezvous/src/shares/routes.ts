/** Share links over HTTP: what their owner does with them, and how a guest comes in. */
import { Failure, isGuest, type Document, type DocumentId, type Share, type UserId } from '@markco/protocol';
import { shareCookie } from '@markco/replica/listen/guard';
import type { SomeHandlers } from '@markco/replica/listen/handlers';
import type { Note } from '../accounts/admission.ts';
import { browserName } from '../accounts/browser-name.ts';
import type { Rate } from '../accounts/rate.ts';
import type { Sessions } from '../accounts/sessions.ts';
import { cookieOf, setCookie } from '../accounts/signed-in.ts';
import type { KeptOf } from '../documents/kept.ts';
import { siteOf } from '../routes/sign-in.ts';
import type { ShareRow, Shares } from './shares.ts';

export type ProjectsToShare = Pick<KeptOf, 'create' | 'document' | 'documents' | 'list' | 'project'>;

export type ShareRoutesParts = {
  readonly shares: Shares;
  readonly sessions: Pick<Sessions, 'begin' | 'end' | 'find' | 'list'>;
  readonly projects: (userId: UserId) => ProjectsToShare;
  readonly textOf: (id: DocumentId) => Promise<string>;
  /** As it was after its first `seq` updates. */
  readonly textAt: (id: DocumentId, seq: number) => Promise<string>;
  /** How often somebody comes by one link. */
  readonly joins: Pick<Rate, 'take'>;
  readonly note: Note;
};

/** Browsers at once of one link; the one that was there longest ago ends for another. */
const GUESTS_MAX = 200;
const COOKIE_SECONDS = 30 * 24 * 3_600;

const time = (at: number): string => new Date(at).toISOString();

export function shareRoutes({
  shares,
  sessions,
  projects,
  textOf,
  textAt,
  joins,
  note,
}: ShareRoutesParts): SomeHandlers<'shares' | 'share' | 'revokeShare' | 'suggestions' | 'join' | 'joined'> {
  const ends = ({ endsAt }: ShareRow) => (endsAt === undefined ? {} : { endsAt: time(endsAt) });

  /** Nothing for one whose project is not here any more. */
  function shown(share: ShareRow): Share[] {
    const { id, userId, projectId, documentId, role } = share;
    const mine = projects(userId);
    const project = mine.list().find((each) => each.id === projectId);
    if (project === undefined) return [];
    const about = { id, role, projectId, project: project.displayName, createdAt: time(share.createdAt) };
    const guests = sessions.list(id).length;
    const [path, copyPath] = [documentId, share.copyId].map((each) => documentOf(share, each)?.path);
    return [
      {
        ...{ ...about, ...ends(share), guests },
        ...(documentId === undefined ? {} : { documentId }),
        ...(path === undefined ? {} : { path }),
        ...(copyPath === undefined ? {} : { copyPath }),
      },
    ];
  }

  /** Undefined for one that was deleted. */
  function documentOf({ userId, projectId }: ShareRow, id: DocumentId | undefined): Document | undefined {
    try {
      return id === undefined ? undefined : projects(userId).document(projectId, id);
    } catch {
      return undefined;
    }
  }

  function notedOf(share: ShareRow): Readonly<Record<string, string>> {
    const { id, userId, projectId, documentId, role } = share;
    const path = documentOf(share, documentId)?.path;
    return { share: id, userId, project: projectId, ...(path === undefined ? {} : { path }), role };
  }

  /** What who suggests writes in: a document of the owner's beside the one that it is of. */
  async function copyOf(
    userId: UserId,
    { id, projectId, path, ext }: Document,
  ): Promise<Pick<ShareRow, 'copyId' | 'copySeq'>> {
    const mine = projects(userId);
    const name = `${path.endsWith(ext) ? path.slice(0, -ext.length) : path} (suggested`;
    const taken = new Set(mine.documents(projectId).map((document) => document.path.replace(/\.(md|qmd)$/, '')));
    let copyPath = `${name})`;
    for (let count = 2; taken.has(copyPath); count++) copyPath = `${name} ${count})`;
    const text = await textOf(id);
    return { copyId: (await mine.create(projectId, copyPath, ext, text)).id, copySeq: text === '' ? 0 : 1 };
  }

  return {
    shares: ({ subject }) => ({ shares: subject === null ? [] : shares.list(subject.userId).flatMap(shown) }),
    async share({ subject, params, body, request }) {
      if (subject?.role !== 'owner') throw new Failure('unauthorized', 'Sign in first.');
      const { userId } = subject;
      const { role, documentId, lastsMs } = body;
      const { id: projectId } = projects(userId).project(params['id'] ?? '');
      const document = documentId === undefined ? undefined : projects(userId).document(projectId, documentId);
      if (role === 'suggest' && document === undefined)
        throw new Failure('bad_request', 'A link to suggest changes is to one page. Say which.');
      shares.requireRoom(userId);
      const copy = role === 'suggest' && document !== undefined ? await copyOf(userId, document) : {};
      const { share, token } = await shares.make({
        ...{ userId, projectId, role },
        ...(documentId === undefined ? {} : { documentId }),
        ...copy,
        ...(lastsMs === undefined ? {} : { lastsMs }),
      });
      note('share.made', { ...notedOf(share), account: subject.account ?? '' });
      const [made] = shown(share);
      if (made === undefined) throw new Failure('not_found', 'There is no such project here.');
      return { share: made, url: `${siteOf(request).origin}/join/${token}` };
    },
    async suggestions({ subject, params }) {
      if (subject === null) throw new Failure('unauthorized', 'Sign in first.');
      const { id: documentId } = projects(subject.userId).document(params['id'] ?? '', params['documentId'] ?? '');
      const copies = shares.list(subject.userId).flatMap((share) => {
        const copy = share.documentId === documentId ? documentOf(share, share.copyId) : undefined;
        return copy === undefined ? [] : [{ share: share.id, copyId: copy.id, seq: share.copySeq ?? 1 }];
      });
      const begun = copies.map(async ({ seq, ...copy }) => ({ ...copy, base: await textAt(copy.copyId, seq) }));
      return { copies: await Promise.all(begun) };
    },
    async revokeShare({ subject, params }) {
      if (subject === null) throw new Failure('unauthorized', 'Sign in first.');
      const id = params['share'] ?? '';
      const share = shares.get(id);
      await shares.revoke(subject.userId, id);
      note('share.revoked', share === undefined ? { share: id, userId: subject.userId } : notedOf(share));
      for (const session of sessions.list(id)) await sessions.end(session.id);
      return undefined;
    },
    async join({ body, request }) {
      const share = shares.withToken(body.token);
      if (share === undefined)
        throw new Failure(
          'not_found',
          'This link does not work: it was revoked, its time is over, or a part of it is missing. Ask whoever sent it for another one.',
        );
      joins.take(share.id);
      const name = shareCookie(share.id);
      const headers = new Headers({ 'cache-control': 'no-store' });
      // Whoever opens the link again is the guest that they were.
      if (sessions.find(cookieOf(request, name) ?? '')?.account !== share.id) {
        const browser = browserName(request.headers.get('user-agent'));
        const about = { account: share.id, isPublic: false, with: 'link', browser };
        const { token } = await sessions.begin(about, GUESTS_MAX);
        headers.set('set-cookie', setCookie(request, name, token, COOKIE_SECONDS));
        note('share.joined', notedOf(share));
      }
      return Response.json({ id: share.id }, { headers });
    },
    joined({ subject }) {
      const share = isGuest(subject) ? shares.get(subject.share ?? '') : undefined;
      if (share === undefined) throw new Failure('unauthorized', 'This link does not work any more.');
      const { id, role, userId, projectId, documentId } = share;
      const [document, copy] = [documentOf(share, documentId), documentOf(share, share.copyId)];
      if (documentId !== undefined && document === undefined)
        throw new Failure('document_deleted', 'The page that this link leads to was deleted.');
      const mine = projects(userId);
      return {
        ...{ id, role, project: mine.project(projectId) },
        ...(document === undefined ? {} : { document }),
        ...(copy === undefined ? {} : { copy }),
        ...ends(share),
      };
    },
  };
}
