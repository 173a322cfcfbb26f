/** What programs read of a project: its news (Atom, RFC 4287) and the list of its pages (sitemaps.org). */
import { escapeHtml } from '@markco/protocol';
import { FEED } from './addresses.ts';

export type Listed = {
  readonly title: string;
  readonly description: string;
  /** Whole. */
  readonly url: string;
  /** When it came to be, and was written last; ISO 8601. */
  readonly publishedAt: string;
  readonly updatedAt: string;
};

export type ListedSite = {
  readonly title: string;
  readonly url: string;
  readonly author: string;
  readonly pages: readonly Listed[];
};

/** News in a feed, the latest first. */
const NEWS_MAX = 50;

export function feedOf({ title, url, author, pages }: ListedSite): string {
  const news = pages.toSorted((a, b) => (a.updatedAt < b.updatedAt ? 1 : -1)).slice(0, NEWS_MAX);
  const entries = news.map((page) =>
    [
      '<entry>',
      `<title>${xml(page.title)}</title>`,
      `<link href="${xml(page.url)}"/>`,
      `<id>${xml(page.url)}</id>`,
      `<published>${xml(page.publishedAt)}</published>`,
      `<updated>${xml(page.updatedAt)}</updated>`,
      page.description === '' ? '' : `<summary>${xml(page.description)}</summary>`,
      '</entry>',
    ].join(''),
  );
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<feed xmlns="http://www.w3.org/2005/Atom">',
    `<title>${xml(title)}</title>`,
    `<id>${xml(url)}</id>`,
    `<link href="${xml(url)}"/>`,
    `<link rel="self" href="${xml(`${url}/${FEED}`)}"/>`,
    `<author><name>${xml(author)}</name></author>`,
    `<updated>${xml(news[0]?.updatedAt ?? '1970-01-01T00:00:00.000Z')}</updated>`,
    ...entries,
    '</feed>\n',
  ].join('\n');
}

export function sitemapOf({ pages }: ListedSite): string {
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">',
    ...pages.map(({ url, updatedAt }) => `<url><loc>${xml(url)}</loc><lastmod>${xml(updatedAt)}</lastmod></url>`),
    '</urlset>\n',
  ].join('\n');
}

/** Without the characters that XML cannot hold. */
const xml = (text: string): string =>
  escapeHtml(text.toWellFormed().replaceAll(/[^\t\n\r\x20-\uFFFD\u{10000}-\u{10FFFF}]/gu, ''));
