/**
 * The pages of a publication as readers see them: which there are, in which order, at which addresses.
 *
 * 1. Nothing is shown that has not been looked through: what keeps a page back is decided from the very text that is shown.
 * 2. A page that was read stays known by what it says, so that a change costs reading that page only.
 */
import {
  buildTree,
  filePathOf,
  flattenTree,
  readConfigBlocks,
  type DocumentId,
  type ProjectId,
  type TreeNode,
  type YamlMap,
} from '@markco/protocol';
import { mergeMaps } from '@markco/protocol/notebook/config';
import type { DocumentCatalog } from '@markco/replica/documents/catalog';
import type { Documents } from '@markco/replica/documents/documents';
import { createHash } from 'node:crypto';
import type { Copies, Copy } from '../copies/copies.ts';
import { addressesOf, type Addresses } from './addresses.ts';
import { pageFactsOf, type PageFacts } from './page-facts.ts';
import { createPublicFiles } from './public-files.ts';
import type { Publication, Publications, PublishedPage } from './publications.ts';
import { findSecrets, type Finding } from './secrets.ts';

/** Pages of one project; further ones are left out, and its owner is told. */
export const PAGES_MAX = 2_000;
/** Projects whose pages are known; the one that was asked for longest ago is read anew when it is asked for again. */
const SITES_MAX = 200;
/** Pages that are read at once. */
const AT_ONCE = 4;
const SETTINGS = 'mrmd';

export type SitePage = {
  readonly id: DocumentId;
  readonly path: string;
  readonly file: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly facts: PageFacts;
};

export type Site = {
  readonly publication: Publication;
  readonly title: string;
  readonly description: string;
  readonly lang: string;
  /** In their order. */
  readonly pages: readonly SitePage[];
  readonly tree: readonly TreeNode[];
  readonly addresses: Addresses;
  /** Files that public pages name and that are here, by their path. */
  readonly files: ReadonlyMap<string, Copy>;
  /** Pages and files that are kept back, with why. */
  readonly held: readonly { readonly path: string; readonly findings: readonly Finding[] }[];
  readonly leftOut: readonly { readonly path: string; readonly why: string }[];
  /** Another one when anything of it is another. */
  readonly version: string;
  /** A page as it is now, and what it says of itself now; null when it is not to be shown. */
  read(page: SitePage): Promise<{ readonly text: string; readonly facts: PageFacts } | null>;
};

type Source = Omit<PublishedPage, 'seq'> & {
  /** Another one when its text is another. */
  readonly version: string;
  text(): Promise<string>;
};
type Known = { readonly version: string; readonly facts: PageFacts };
type KnownSite = { settings: { readonly version: string; readonly values: YamlMap }; pages: Map<DocumentId, Known> };

export type SitesParts = {
  readonly catalog: Pick<DocumentCatalog, 'list' | 'project'>;
  readonly documents: Pick<Documents, 'read' | 'textAt'>;
  readonly publications: Pick<Publications, 'pages'>;
  readonly copies: Pick<Copies, 'list' | 'read'>;
};

export function createSites({ catalog, documents, publications, copies }: SitesParts) {
  const publicFiles = createPublicFiles(copies);
  const known = new Map<ProjectId, KnownSite>();
  const reading = new Map<string, Promise<Site>>();

  async function sourcesOf({ projectId, update }: Publication): Promise<readonly Source[]> {
    if (update === 'asked')
      return (await publications.pages(projectId)).map((page) => ({
        ...page,
        version: `@${page.seq}`,
        text: () => documents.textAt(page.id, page.seq),
      }));
    return [...catalog.list(projectId)]
      .filter(({ contentHash }) => contentHash !== '')
      .map(({ id, path, ext, createdAt, updatedAt, contentHash }) => ({
        ...{ id, path, ext, createdAt, updatedAt, version: contentHash },
        text: async () => (await documents.read(id)).text,
      }));
  }

  /** What was read before is kept while its text is the same; a text that is ahead of its row is read again next time. */
  async function factsOf(site: KnownSite, source: Source): Promise<PageFacts> {
    const before = site.pages.get(source.id);
    if (before?.version === versionOf(site, source)) return before.facts;
    return factsOfText(site, source, await source.text());
  }

  function factsOfText(site: KnownSite, source: Source, text: string): PageFacts {
    const isAsSaid = source.version.startsWith('@') || source.version === hashOf(text);
    const version = versionOf(site, source);
    const before = site.pages.get(source.id);
    if (isAsSaid && before?.version === version) return before.facts;
    const facts = pageFactsOf(text, filePathOf(source), source.id, site.settings.values);
    if (isAsSaid) site.pages.set(source.id, { version, facts });
    return facts;
  }

  const versionOf = (site: KnownSite, { version, path }: Source): string =>
    `${version} ${site.settings.version} ${path}`;

  async function settingsOf(source: Source | undefined, before: KnownSite | undefined): Promise<KnownSite['settings']> {
    const version = source?.version ?? '';
    if (before?.settings.version === version) return before.settings;
    const text = source === undefined ? '' : await source.text();
    const values = readConfigBlocks(text).reduce<YamlMap>(
      (merged, block) => ('value' in block ? mergeMaps(merged, block.value) : merged),
      {},
    );
    return { version: source === undefined || source.version === hashOf(text) ? version : `${version}?`, values };
  }

  async function view(publication: Publication): Promise<Site> {
    const { projectId } = publication;
    const sources = await sourcesOf(publication);
    const before = known.get(projectId);
    const settings = await settingsOf(
      sources.find(({ path }) => path === SETTINGS),
      before,
    );
    const site: KnownSite = { settings, pages: before?.pages ?? new Map() };
    known.delete(projectId);
    known.set(projectId, site);
    for (const id of known.keys()) if (known.size > SITES_MAX) known.delete(id);

    const candidates = sources.filter(({ path }) => path !== SETTINGS && !isHidden(path));
    const waiting = candidates.slice(0, PAGES_MAX);
    const all: SitePage[] = [];
    const next = async (): Promise<void> => {
      for (let source = waiting.shift(); source !== undefined; source = waiting.shift()) {
        const facts = await factsOf(site, source);
        const { id, path, createdAt, updatedAt } = source;
        all.push({ id, path, file: filePathOf(source), createdAt, updatedAt, facts });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
    const ids = new Set(sources.map(({ id }) => id));
    for (const id of site.pages.keys()) if (!ids.has(id)) site.pages.delete(id);

    const shown = new Map(all.filter(({ facts }) => isShown(publication, facts)).map((page) => [page.path, page]));
    const tree = buildTree(shown.keys(), (path) => shown.get(path)?.facts.title);
    const pages = flattenTree(tree).flatMap(({ path }) => shown.get(path) ?? []);
    const named = new Set(pages.flatMap(({ facts }) => facts.files));
    const { files, held: heldFiles } = await publicFiles(publication, named);
    const titles = ['title', 'description', 'lang'].map((name) => settings.values[name]);
    const [title, description, lang] = titles.map((value) =>
      // Looked through as pages are.
      typeof value === 'string' && findSecrets(value, projectId).length === 0 ? value.trim().slice(0, 200) : '',
    );
    const name = catalog.project(projectId)?.project.displayName ?? publication.name;
    return {
      publication,
      title: title === undefined || title === '' ? name : title,
      description: description ?? '',
      lang: lang !== undefined && /^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}$/.test(lang) ? lang : 'en',
      pages,
      tree,
      files,
      addresses: addressesOf(pages.map(({ path }) => path)),
      held: [
        ...all
          .filter(({ facts }) => facts.leftOut === null)
          .map(({ path, facts }) => ({ path, findings: facts.findings })),
        ...heldFiles,
      ].flatMap(({ path, findings }) => {
        const left = findings.filter(({ id }) => !publication.allowed.includes(id));
        return left.length === 0 ? [] : [{ path, findings: left }];
      }),
      leftOut: [
        ...sources.filter(({ path }) => isHidden(path)).map(({ path }) => ({ path, why: 'its name begins with `_`' })),
        ...all.flatMap(({ path, facts: { leftOut } }) => (leftOut === null ? [] : [{ path, why: leftOut }])),
        ...candidates.slice(PAGES_MAX).map(({ path }) => ({ path, why: `there are more than ${PAGES_MAX} pages` })),
      ],
      version: hashOf(
        JSON.stringify([
          title,
          name,
          description,
          lang,
          pages.map(({ path, facts }) => [path, facts.title]),
          [...files].map(([path, copy]) => [path, copy.contentHash]),
        ]),
      ),
      async read({ id }) {
        const source = sources.find((each) => each.id === id);
        if (source === undefined) return null;
        const text = await source.text();
        const facts = factsOfText(site, source, text);
        return isShown(publication, facts) ? { text, facts } : null;
      },
    };
  }

  return {
    /** Of several who ask at once one looks. */
    view(publication: Publication): Promise<Site> {
      const what = `${publication.projectId} ${publication.publishedAt}`;
      const running = reading.get(what);
      if (running !== undefined) return running;
      const begun = view(publication).finally(() => reading.delete(what));
      reading.set(what, begun);
      return begun;
    },
  };
}

/** What a leading `_` keeps off the site, as in the editor's tree. */
const isHidden = (path: string): boolean => path.split('/').some((part) => part.startsWith('_'));

const isShown = ({ allowed }: Publication, { leftOut, findings }: PageFacts): boolean =>
  leftOut === null && findings.every(({ id }) => allowed.includes(id));

export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');
