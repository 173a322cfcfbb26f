/** Where the links of a page lead once it is published. */
import { neighborsOf, resolveAddress, resolveWikiTarget, WIKI_PLACES, type TreeNode } from '@markco/protocol';
import { withoutExt } from '@markco/protocol/notebook/resolve-link';

export type Links = {
  /** Of a link as it is written; null where it leads to nothing that is public. */
  page(address: string): string | null;
  /** Of `[[target]]`, likewise. */
  wiki(target: string): string | null;
  /** Of a picture or another file of the project; null for one that is not here, and for one of another site. */
  file(address: string): string | null;
};

export type LinkedSite = {
  /** The files of public pages, `02-data/01-clean.md`. */
  readonly files: readonly string[];
  readonly tree: readonly TreeNode[];
  /** The address of a public page by its file, from the root of the site: `/@ada/notes/data/clean`. */
  addressOf(file: string): string | null;
  /** That of another file, which is here. */
  assetOf(path: string): string | null;
};

const ELSEWHERE = /^(?:[a-z][a-z0-9+.-]*:|\/\/)/i;

/** @param from the file of the page that the links are in, and its path */
export function linksOf(site: LinkedSite, from: { readonly file: string; readonly path: string }): Links {
  /** `#anchor` stays as it is written. */
  const split = (address: string): readonly [string, string] => {
    const at = address.indexOf('#');
    return at < 0 ? [address, ''] : [address.slice(0, at), address.slice(at)];
  };
  const to = (file: string | null, anchor: string): string | null => {
    const address = file === null ? null : site.addressOf(file);
    return address === null ? null : address + anchor;
  };

  return {
    page(address) {
      if (ELSEWHERE.test(address) || address.startsWith('#')) return address;
      const [target, anchor] = split(address);
      const file = resolveAddress(target, from.file);
      if (file === null) return null;
      // As people write them: with the extension, without it, and with a final slash.
      const candidates = [file, `${file}.md`, `${file}.qmd`].map((name) => name.replace(/\/(?=\.|$)/, ''));
      for (const candidate of candidates) {
        const found = to(candidate, anchor);
        if (found !== null) return found;
      }
      return site.assetOf(file);
    },
    wiki(target) {
      const [page, anchor] = split(target);
      const place = anchor === '' ? WIKI_PLACES.find((name) => name === page.trim()) : undefined;
      if (place !== undefined) {
        const path = neighborsOf(from.path, site.tree)[place];
        return path === null
          ? null
          : to(site.files.find((file) => withoutExt(file) === path || file === path) ?? null, '');
      }
      if (page.trim() === '') return anchor === '' ? null : anchor;
      return to(resolveWikiTarget(page, from.file, site.files), anchor);
    },
    file(address) {
      if (ELSEWHERE.test(address)) return null;
      const path = resolveAddress(address, from.file);
      return path === null ? null : site.assetOf(path);
    },
  };
}
