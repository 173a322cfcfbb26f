/** The page around a text: its head, the pages of its project, and the way to the one before and after. */
import { escapeHtml, type TreeNode } from '@markco/protocol';
import { FEED } from './addresses.ts';
import { PAGE_STYLE } from './style.ts';

export type Place = { readonly title: string; readonly address: string };

export type Layout = {
  readonly lang: string;
  readonly title: string;
  readonly description: string;
  /** Whole addresses: what is read elsewhere names where it came from. */
  readonly canonical: string;
  readonly image: string | null;
  readonly author: string | null;
  readonly date: string | null;
  readonly site: Place;
  /** A list of projects has none. */
  readonly hasFeed?: false;
  /** The pages of the project, as a list; empty where there is only one. */
  readonly pages: string;
  readonly before: Place | null;
  readonly after: Place | null;
  readonly html: string;
};

export function layout(page: Layout): string {
  const { site, before, after } = page;
  const heading = page.title === site.title ? page.title : `${page.title} · ${site.title}`;
  const about = [page.author, page.date].filter((each) => each !== null).join(' · ');
  return shell(
    page.lang,
    [
      `<title>${escapeHtml(heading)}</title>`,
      `<link rel="canonical" href="${escapeHtml(page.canonical)}">`,
      ...meta('name', 'description', page.description),
      ...meta('name', 'author', page.author),
      ...meta('property', 'og:type', 'article'),
      ...meta('property', 'og:title', page.title),
      ...meta('property', 'og:description', page.description),
      ...meta('property', 'og:url', page.canonical),
      ...meta('property', 'og:site_name', site.title),
      ...meta('property', 'og:image', page.image),
      ...meta('property', 'article:published_time', page.date),
      ...(page.hasFeed === false
        ? []
        : [`<link rel="alternate" type="application/atom+xml" href="${escapeHtml(`${site.address}/${FEED}`)}">`]),
      ...(before === null ? [] : [`<link rel="prev" href="${escapeHtml(before.address)}">`]),
      ...(after === null ? [] : [`<link rel="next" href="${escapeHtml(after.address)}">`]),
    ],
    page.pages === '' ? '' : 'with-pages',
    [
      `<header class="site"><a class="name" href="${escapeHtml(site.address)}">${escapeHtml(site.title)}</a>`,
      page.pages === '' ? '' : '<a class="to-pages" href="#pages">All pages</a>',
      '</header>\n<main id="text">\n<article>\n',
      page.html,
      '</article>\n',
      about === '' ? '' : `<p class="about">${escapeHtml(about)}</p>\n`,
      turn(before, after),
      '</main>\n',
      page.pages === '' ? '' : `<nav class="pages" id="pages" aria-label="All pages">${page.pages}</nav>\n`,
    ].join(''),
  );
}

/** The start of a project that has no page for it. */
export function startList(
  title: string,
  description: string,
  pages: readonly (Place & { readonly description: string })[],
): string {
  const items = pages.map(
    (page) =>
      `<li><a href="${escapeHtml(page.address)}">${escapeHtml(page.title)}</a>${page.description === '' ? '' : `<p>${escapeHtml(page.description)}</p>`}</li>`,
  );
  const about = description === '' ? '' : `<p>${escapeHtml(description)}</p>\n`;
  return `<h1>${escapeHtml(title)}</h1>\n${about}<ul class="list">\n${items.join('\n')}\n</ul>\n`;
}

/** Said in the same words for what is not there and for what is not public. */
export function missingPage(): string {
  return shell(
    'en',
    ['<title>No such page</title>', '<meta name="robots" content="noindex">'],
    '',
    '<main id="text"><h1>There is no such page</h1><p>It may have another address now, or be no longer public.</p></main>',
  );
}

/** Nothing was given: a folder with more is named, and only its own pages are listed where somebody is in it. */
const PAGES_LISTED_MAX = 200;

/** The tree of pages as a list; folders where the reader is not are closed when there are very many. */
export function pagesList(
  tree: readonly TreeNode[],
  current: string,
  addressOf: (path: string) => string,
  count: number,
): string {
  if (count < 2) return '';
  const item = (node: TreeNode): string => {
    if (node.kind === 'document') {
      const mark = node.path === current ? ' aria-current="page"' : '';
      return `<li><a href="${escapeHtml(addressOf(node.path))}"${mark}>${escapeHtml(node.label)}</a></li>`;
    }
    const first = firstOf(node);
    if (first === undefined) return '';
    const isOpen = count <= PAGES_LISTED_MAX || current.startsWith(`${node.path}/`);
    return isOpen
      ? `<li><span>${escapeHtml(node.label)}</span>${list(node.children)}</li>`
      : `<li><a href="${escapeHtml(addressOf(first))}">${escapeHtml(node.label)} …</a></li>`;
  };
  const list = (nodes: readonly TreeNode[]): string => `<ul>${near(nodes, current).map(item).join('')}</ul>`;
  return list(tree);
}

function firstOf(node: TreeNode): string | undefined {
  if (node.kind === 'document') return node.path;
  for (const child of node.children) {
    const found = firstOf(child);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Those around the reader, where one folder holds more than anybody looks through. */
function near(nodes: readonly TreeNode[], current: string): readonly TreeNode[] {
  if (nodes.length <= PAGES_LISTED_MAX) return nodes;
  const at = nodes.findIndex(({ path }) => current === path || current.startsWith(`${path}/`));
  const from = Math.max(0, Math.min(at - PAGES_LISTED_MAX / 2, nodes.length - PAGES_LISTED_MAX));
  return nodes.slice(from, from + PAGES_LISTED_MAX);
}

function turn(before: Place | null, after: Place | null): string {
  if (before === null && after === null) return '';
  const link = (place: Place | null, rel: string, words: string): string =>
    place === null
      ? '<span></span>'
      : `<a rel="${rel}" href="${escapeHtml(place.address)}">${words.replace('%', () => escapeHtml(place.title))}</a>`;
  return `<nav class="turn" aria-label="Pages before and after">${link(before, 'prev', '← %')}${link(after, 'next', '% →')}</nav>\n`;
}

function meta(by: 'name' | 'property', name: string, content: string | null): readonly string[] {
  return content === null || content === '' ? [] : [`<meta ${by}="${name}" content="${escapeHtml(content)}">`];
}

function shell(lang: string, head: readonly string[], bodyClass: string, body: string): string {
  return [
    `<!doctype html>\n<html lang="${escapeHtml(lang)}">\n<head>\n<meta charset="utf-8">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    ...head,
    `<style>${PAGE_STYLE}</style>\n</head>`,
    `<body${bodyClass === '' ? '' : ` class="${bodyClass}"`}><a class="skip" href="#text">Skip to the text</a>`,
    `${body}</body>\n</html>\n`,
  ].join('\n');
}
