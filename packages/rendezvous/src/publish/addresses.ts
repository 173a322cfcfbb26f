/**
 * The address of each page below its project: `02-data/01-clean up` → `data/clean up`.
 *
 * Numbers only order, so pages that are put into another order keep their addresses. Where two pages would get one
 * address, both keep their numbers. `index` or `readme` at the top is the start of the project: its address is empty.
 */
export type Addresses = {
  /** By the path of a page. */
  readonly of: ReadonlyMap<string, string>;
  /** The path of a page by any address that leads to it: its own, and its whole path. */
  readonly to: ReadonlyMap<string, string>;
};

/** Files that stand beside the pages. */
export const FEED = 'feed.xml';
export const SITEMAP = 'sitemap.xml';

/** @param paths of the public pages */
export function addressesOf(paths: readonly string[]): Addresses {
  const counts = new Map<string, number>([FEED, SITEMAP].map((name) => [name, 1]));
  for (const path of paths) counts.set(withoutNumbers(path), (counts.get(withoutNumbers(path)) ?? 0) + 1);
  const [start] = ['index', 'readme'].flatMap((name) =>
    paths.filter((path) => withoutNumbers(path).toLowerCase() === name),
  );
  const of = new Map<string, string>();
  for (const path of paths) {
    const address = withoutNumbers(path);
    of.set(path, path === start ? '' : counts.get(address) === 1 ? address : path);
  }
  return {
    of,
    to: new Map([...paths.map((path) => [path, path] as const), ...[...of].map(([a, b]) => [b, a] as const)]),
  };
}

function withoutNumbers(path: string): string {
  return path
    .split('/')
    .map((part) => part.replace(/^\d+[-_. ]+(?=.)/, ''))
    .join('/');
}

/** An address as a URL has it. */
export const addressPath = (address: string): string => address.split('/').map(encodeURIComponent).join('/');
