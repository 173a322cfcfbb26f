/** The feed and the sitemap of a project. */
import { expect, test } from 'vitest';
import { feedOf, sitemapOf } from './feed.ts';

const at = (day: string): string => `2026-11-${day}T00:00:00.000Z`;
const site = {
  ...{ title: 'A & B', url: 'https://example.com/@ada/notes', author: 'ada' },
  pages: ['01', '03', '02'].map((day) => ({
    ...{ title: `Day ${day} <\u0001>`, description: '"', url: `https://example.com/@ada/notes/${day}` },
    ...{ publishedAt: at('01'), updatedAt: at(day) },
  })),
};

test('the latest news come first, with what XML cannot hold left out', () => {
  const feed = feedOf(site);
  expect([...feed.matchAll(/<title>(.*?)<\/title>/g)].map(([, title]) => title)).toEqual([
    ...['A &amp; B', 'Day 03 &lt;&gt;', 'Day 02 &lt;&gt;', 'Day 01 &lt;&gt;'],
  ]);
  expect(feed).toContain(`<updated>${at('03')}</updated>`);
  expect(feed).toContain('<summary>&quot;</summary>');
  expect(
    feedOf({ ...site, pages: Array.from({ length: 80 }, () => site.pages[0] ?? expect.unreachable()) }).match(
      /<entry>/g,
    ),
  ).toHaveLength(50);
});

test('the sitemap has every page', () => {
  expect(sitemapOf(site).match(/<loc>[^<]*<\/loc><lastmod>2026-11-0\d/g)).toHaveLength(3);
});
