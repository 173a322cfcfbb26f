/** What the owner of a project says and asks about its published pages. */
import { Failure, type Publication as PublicationHere } from '@markco/protocol';
import type { DocumentCatalog } from '@markco/replica/documents/catalog';
import type { Documents } from '@markco/replica/documents/documents';
import type { Subject } from '@markco/replica/listen/guard';
import type { SomeHandlers } from '@markco/replica/listen/handlers';
import type { KeptOf } from '../documents/kept.ts';
import type { Publication, Publications, PublishedPage } from './publications.ts';
import { PAGES_MAX, type createSites } from './sites.ts';

export type PublicationRoutesParts = {
  readonly of: (subject: Subject | null) => Pick<KeptOf, 'project'>;
  readonly catalog: Pick<DocumentCatalog, 'list'>;
  readonly documents: Pick<Documents, 'read'>;
  readonly publications: Publications;
  readonly sites: Pick<ReturnType<typeof createSites>, 'view'>;
  readonly publishOrigin: string | null;
  readonly now: () => number;
  /** It is public from now on, or is not any more. */
  readonly note: (event: 'project.published' | 'project.unpublished', publication: Publication) => void;
};

export function publicationRoutes({
  of,
  catalog,
  documents,
  publications,
  sites,
  publishOrigin,
  now,
  note,
}: PublicationRoutesParts): SomeHandlers<'publication' | 'publish' | 'unpublish'> {
  async function describe(publication: Publication, request: Request): Promise<PublicationHere> {
    const { userName, name, update, since, publishedAt } = publication;
    const { pages, held, leftOut } = await sites.view(publication);
    return {
      state: 'public',
      url: `${publishOrigin ?? originOf(request)}/@${userName}/${name}`,
      ...{ userName, name, update, since, publishedAt, pages: pages.length },
      held: held.flatMap(({ path, findings }) => findings.map((finding) => ({ path, ...finding }))),
      leftOut: [...leftOut],
    };
  }

  /** Everything as it is now, on disk. */
  async function snapshot(publicationOf: Pick<Publication, 'projectId'>): Promise<readonly PublishedPage[]> {
    const pages: PublishedPage[] = [];
    for (const { id, path, ext, createdAt, updatedAt, contentHash } of [...catalog.list(publicationOf.projectId)]) {
      if (contentHash === '') continue;
      if (pages.length > PAGES_MAX)
        throw new Failure('too_many', `At most ${PAGES_MAX} pages are published at once. Nothing was changed.`);
      pages.push({ id, path, ext, createdAt, updatedAt, seq: (await documents.read(id)).seq });
    }
    return pages;
  }

  return {
    async publication({ subject, params, request }) {
      const { id } = of(subject).project(params['id'] ?? '');
      const found = await publications.of(id);
      if (found !== undefined) return describe(found, request);
      const userName = subject === null ? undefined : await publications.nameOf(subject.userId);
      return { state: 'none', ...(userName === undefined ? {} : { userName }) };
    },
    async publish({ subject, params, body, request }) {
      const { id: projectId, userId, slug } = of(subject).project(params['id'] ?? '');
      const before = await publications.of(projectId);
      const update = body.update ?? before?.update ?? 'saved';
      const publishedAt = new Date(now()).toISOString();
      const wanted = {
        projectId,
        userId,
        name: before?.name ?? slug,
        update,
        since: before?.since ?? publishedAt,
        publishedAt,
      };
      const pages = update === 'asked' ? await snapshot(wanted) : null;
      const made = await publications.put(wanted, { userName: body.userName, allow: body.allow ?? [] }, pages);
      note('project.published', made);
      return describe(made, request);
    },
    async unpublish({ subject, params }) {
      const { id } = of(subject).project(params['id'] ?? '');
      const found = await publications.of(id);
      if (found === undefined) return undefined;
      await publications.remove(found);
      note('project.unpublished', found);
      return undefined;
    },
  };
}

/** Where the owner asked: the guard let in only names that the cloud goes by. */
function originOf(request: Request): string {
  const { origin } = new URL(request.url);
  return request.headers.get('x-forwarded-proto') === 'https' ? origin.replace(/^http:/, 'https:') : origin;
}
