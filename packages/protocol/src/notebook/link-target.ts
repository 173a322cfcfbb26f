/** Where a link leads, out of how it is written, and back. */
import type { SyntaxNode } from '@lezer/common';
import { decodeEntity } from './entity.ts';

type Named = (name: string) => string | undefined;

/** Text with its backslash escapes and character references resolved, as in a link's address, title or a fence's info. */
export function unescapeMarkdown(raw: string, named?: Named): string {
  return raw.replaceAll(
    /\\([!-/:-@[-`{-~])|&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|\w+);/g,
    (match, escaped: string | undefined) => (escaped === undefined ? decodeEntity(match, named) : escaped),
  );
}

/** The address in a `URL` node: without `<>`, unescaped, percent-encoding as written. */
export function addressOf(text: string, url: SyntaxNode, named?: Named): string {
  const raw = text.slice(url.from, url.to);
  return unescapeMarkdown(raw.startsWith('<') && raw.endsWith('>') ? raw.slice(1, -1) : raw, named);
}

/** Percent-encoding undone; what is no such encoding stays. */
export function decodePercent(address: string): string {
  return address.replaceAll(/(?:%[0-9a-fA-F]{2})+/g, (run) => {
    try {
      return decodeURIComponent(run);
    } catch {
      return run;
    }
  });
}
