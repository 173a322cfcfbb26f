/** Share links over HTTP: what their owner does with them, and how a guest comes in. */
import { Failure, isGuest, type Share, type UserId } from '@markco/protocol';
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

export type ShareRoutesParts = {
  readonly shares: Shares;
  readonly sessions: Pick<Sessions, 'begin' | 'end' | 'find' | 'list'>;
  readonly projects: (userId: UserId) => Pick<KeptOf, 'document' | 'list' | 'project'>;
  /** How often somebody comes by one link. */
  readonly joins: Pick<Rate, 'take'>;
  readonly now: () => number;
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
  joins,
  now,
  note,
}: ShareRoutesParts): SomeHandlers<'shares' | 'share' | 'revokeShare' | 'join' | 'joined'> {
  const ends = ({ endsAt }: ShareRow) => (endsAt === undefined ? {} : { endsAt: time(endsAt) });

  /** Nothing for one whose project is not here any more. */
  function shown(share: ShareRow): Share[] {
    const { id, userId, projectId, documentId, role } = share;
    const mine = projects(userId);
    const project = mine.list().find((each) => each.id === projectId);
    if (project === undefined) return [];
    const about = { id, role, projectId, project: project.displayName, createdAt: time(share.createdAt) };
    const guests = sessions.list(id).length;
    return [{ ...about, ...(documentId === undefined ? {} : named(share, documentId)), ...ends(share), guests }];
  }

  function named({ userId, projectId }: ShareRow, documentId: NonNullable<ShareRow['documentId']>) {
    try {
      return { documentId, path: projects(userId).document(projectId, documentId).path };
    } catch {
      return { documentId };
    }
  }

  return {
    shares: ({ subject }) => ({ shares: subject === null ? [] : shares.list(subject.userId).flatMap(shown) }),
    async share({ subject, params, body, request }) {
      if (subject?.role !== 'owner') throw new Failure('unauthorized', 'Sign in first.');
      const { userId } = subject;
      const { role, documentId, lastsMs } = body;
      const { id: projectId } = projects(userId).project(params['id'] ?? '');
      if (documentId !== undefined) projects(userId).document(projectId, documentId);
      if (role === 'suggest')
        throw new Failure('unsupported', 'Links to suggest changes are not there yet. Choose view or edit.');
      const { share, token } = await shares.make({
        ...{ userId, projectId, role },
        ...(documentId === undefined ? {} : { documentId }),
        ...(lastsMs === undefined ? {} : { endsAt: now() + lastsMs }),
      });
      note('share.made', { share: share.id, account: subject.account ?? '', role });
      const [made] = shown(share);
      if (made === undefined) throw new Failure('not_found', 'There is no such project here.');
      return { share: made, url: `${siteOf(request).origin}/join/${token}` };
    },
    async revokeShare({ subject, params }) {
      if (subject === null) throw new Failure('unauthorized', 'Sign in first.');
      const id = params['share'] ?? '';
      await shares.revoke(subject.userId, id);
      note('share.revoked', { share: id });
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
        note('share.joined', { share: share.id });
      }
      return Response.json({ id: share.id }, { headers });
    },
    joined({ subject }) {
      const share = isGuest(subject) ? shares.get(subject.share ?? '') : undefined;
      if (share === undefined) throw new Failure('unauthorized', 'This link does not work any more.');
      const { id, role, userId, projectId, documentId } = share;
      const mine = projects(userId);
      return {
        ...{ id, role, project: mine.project(projectId) },
        ...(documentId === undefined ? {} : { document: mine.document(projectId, documentId) }),
        ...ends(share),
      };
    },
  };
}
