/**
 * What is at an address below `/@`: a page, the start of a project, its feed or its sitemap; everything else is not
 * there, whether it never was, is private, or is kept back.
 *
 * Nobody is asked who they are, and nothing is remembered of who reads.
 */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { ProjectId, UserId } from '@markco/protocol';
import { fileHeaders } from '@markco/replica/projects/file-headers';
import type { Copies } from '../copies/copies.ts';
import { addressPath, FEED, SITEMAP } from './addresses.ts';
import { createCache } from './cache.ts';
import { feedOf, sitemapOf } from './feed.ts';
import { layout, missingPage, pagesList, startList, type Place } from './layout.ts';
import type { Publications } from './publications.ts';
import { hashOf, type Site, type SitePage, type createSites } from './sites.ts';

export type Answer = {
  readonly status: 200 | 308 | 404;
  /** Packed by gzip where it is text of ours; a file of the project is as it is. */
  readonly body: Uint8Array;
  readonly isPacked: boolean;
  /** What it is, and what a browser may do with it where it is no page. */
  readonly headers: Readonly<Record<string, string>>;
  /** Another one when the body is another. */
  readonly tag: string;
  /** Where it is now, for 308. */
  readonly location?: string;
};

export type AnswerParts = {
  readonly publications: Pick<Publications, 'at' | 'of' | 'ownerOf'>;
  readonly projectsOf: (userId: UserId) => readonly ProjectId[];
  readonly sites: Pick<ReturnType<typeof createSites>, 'view'>;
  readonly copies: Pick<Copies, 'read'>;
};

/** Drawn pages that are kept. */
const CACHE_BYTES_MAX = 32 * 1024 * 1024;
/** Of one person, that their list names. */
const PROJECTS_MAX = 200;
const HTML = 'text/html; charset=utf-8';
/** Grammars of languages and all that draws: loaded when the first page is asked for. */
const loadDrawing = async () => ({
  ...(await import('./draw/document.ts')),
  ...(await import('./draw/links.ts')),
});
const pack = promisify(gzip);

export function createAnswer({ publications, projectsOf, sites, copies }: AnswerParts) {
  const cache = createCache(CACHE_BYTES_MAX);

  async function packed(key: string, type: string, draw: () => Promise<string> | string): Promise<Answer> {
    const tag = hashOf(key).slice(0, 32);
    let body = cache.get(tag);
    if (body === undefined) {
      body = await pack(await draw());
      cache.set(tag, body);
    }
    return { status: 200, body, isPacked: true, headers: { 'content-type': type }, tag };
  }

  const missing = async (): Promise<Answer> => ({ ...(await packed('missing', HTML, missingPage)), status: 404 });

  /** @param origin `https://pages.example.com`, where this is read */
  async function show(site: Site, page: SitePage, origin: string): Promise<Answer> {
    const now = await site.read(page);
    if (now === null) return missing();
    const { text, facts } = now;
    const root = rootOf(site);
    const picture = facts.files.find((path) => site.files.has(path) && /\.(?:png|jpe?g|gif|webp)$/i.test(path));
    const addressOf = (path: string): string => join(root, site.addresses.of.get(path) ?? path);
    const files = new Map(site.pages.map(({ file, path }) => [file, path]));
    const at = site.pages.findIndex(({ path }) => path === page.path);
    const place = (found: SitePage | undefined): Place | null =>
      found === undefined ? null : { title: found.facts.title, address: addressOf(found.path) };
    const key = ['page', origin, root, page.path, site.version, hashOf(text)].join('\n');
    return packed(key, HTML, async () => {
      const { drawDocument, linksOf } = await loadDrawing();
      const links = linksOf(
        {
          files: [...files.keys()],
          tree: site.tree,
          addressOf: (file) => {
            const path = files.get(file);
            return path === undefined ? null : addressOf(path);
          },
          assetOf: (path) => (site.files.has(path) ? join(root, path) : null),
        },
        page,
      );
      return layout({
        ...{ lang: facts.lang, title: facts.title, description: facts.description, author: facts.author },
        ...{ date: facts.date, image: picture === undefined ? null : origin + join(root, picture) },
        canonical: origin + addressOf(page.path),
        site: { title: site.title, address: root },
        pages: pagesList(site.tree, page.path, addressOf, site.pages.length),
        before: place(site.pages[at - 1]),
        after: place(site.pages[at + 1]),
        html: await drawDocument(text, links),
      });
    });
  }

  /** Where no page is the start: all of them, as a list. */
  function start(site: Site, origin: string): Promise<Answer> {
    const root = rootOf(site);
    const pages = site.pages.map(({ path, facts }) => ({
      title: facts.title,
      description: facts.description,
      address: join(root, site.addresses.of.get(path) ?? path),
    }));
    const key = ['start', origin, root, site.version, ...pages.map(({ description }) => description)].join('\n');
    return packed(key, HTML, () =>
      layout({
        ...{ lang: site.lang, title: site.title, description: site.description, author: null, date: null, image: null },
        ...{ canonical: origin + root, site: { title: site.title, address: root }, pages: '', before: null },
        after: pages[0] ?? null,
        html: startList(site.title, site.description, pages),
      }),
    );
  }

  function listed(site: Site, origin: string) {
    const root = rootOf(site);
    return {
      title: site.title,
      url: origin + root,
      author: site.publication.userName,
      pages: site.pages.map(({ path, facts, createdAt, updatedAt }) => ({
        title: facts.title,
        description: facts.description,
        url: origin + join(root, site.addresses.of.get(path) ?? path),
        publishedAt: facts.date === null ? createdAt : `${facts.date}T00:00:00.000Z`,
        updatedAt,
      })),
    };
  }

  /** A file that a public page names. */
  async function file({ publication, files }: Site, path: string): Promise<Answer> {
    const found = files.has(path) ? await copies.read(publication.projectId, path) : undefined;
    // Only the bytes that were looked through.
    if (found === undefined || found.contentHash !== files.get(path)?.contentHash) return missing();
    const { bytes, contentHash } = found;
    const {
      'content-length': _,
      'cache-control': __,
      ...headers
    } = Object.fromEntries(fileHeaders(path, bytes.length));
    // The page that shows it has no origin, so it is always another one to the browser.
    const crossing = { 'cross-origin-resource-policy': 'cross-origin' };
    return { status: 200, body: bytes, isPacked: false, headers: { ...headers, ...crossing }, tag: contentHash };
  }

  /** What a person has made public; of more than PROJECTS_MAX the first. Nobody's name, and one with nothing, is not there. */
  async function projects(userName: string, origin: string): Promise<Answer> {
    const owner = await publications.ownerOf(userName);
    const found: (Place & { readonly description: string })[] = [];
    for (const id of owner === undefined ? [] : projectsOf(owner)) {
      const publication = found.length < PROJECTS_MAX ? await publications.of(id) : undefined;
      if (publication === undefined) continue;
      const site = await sites.view(publication);
      if (site.pages.length > 0)
        found.push({ title: site.title, description: site.description, address: rootOf(site) });
    }
    if (found.length === 0) return missing();
    found.sort((a, b) => (a.address < b.address ? -1 : 1));
    const [title, address] = [`@${userName}`, `/@${userName}`];
    return packed(['projects', origin, JSON.stringify(found)].join('\n'), HTML, () =>
      layout({
        ...{ lang: 'en', title, description: '', author: null, date: null, image: null, hasFeed: false },
        ...{ canonical: origin + address, site: { title, address }, pages: '', before: null, after: null },
        html: startList(title, '', found),
      }),
    );
  }

  return async function answer(path: string, origin: string): Promise<Answer> {
    const [, userName, name, rest = ''] = /^\/@([^/]+)(?:\/([^/]+)(?:\/(.*))?)?\/?$/s.exec(path) ?? [];
    if (userName !== undefined && name === undefined && isName(userName)) return projects(userName, origin);
    if (userName === undefined || name === undefined || !isName(userName) || !isName(name)) return missing();
    const publication = await publications.at(userName, name);
    if (publication === undefined) return missing();
    const site = await sites.view(publication);
    const address = rest.replace(/\/$/, '').normalize('NFC');
    if (address === FEED || address === SITEMAP) {
      const about = listed(site, origin);
      const key = `${address}\n${JSON.stringify(about)}`;
      return address === FEED
        ? packed(key, 'application/atom+xml; charset=utf-8', () => feedOf(about))
        : packed(key, 'application/xml; charset=utf-8', () => sitemapOf(about));
    }
    const found = site.pages.find((page) => page.path === site.addresses.to.get(address));
    if (found === undefined) return address === '' && site.pages.length > 0 ? start(site, origin) : file(site, address);
    const own = site.addresses.of.get(found.path) ?? found.path;
    if (own !== address) return { ...(await missing()), status: 308, location: join(rootOf(site), own) };
    return show(site, found, origin);
  };
}

const isName = (text: string): boolean => /^[a-z0-9-]{1,63}$/.test(text);
const rootOf = ({ publication: { userName, name } }: Site): string => `/@${userName}/${name}`;
const join = (root: string, address: string): string => (address === '' ? root : `${root}/${addressPath(address)}`);
