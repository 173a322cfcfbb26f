/** What readers call a document: its front matter's `title`, else its first `# heading`, else its file's name. */
import type { Tree } from '@lezer/common';
import { splitExt } from '../document/path.ts';
import { readFrontMatter } from './front-matter.ts';
import { outlineOf } from './outline.ts';
import { parseMarkdown } from './parser.ts';

/** A longer title is cut, with `…`. */
const TITLE_CHARS_MAX = 200;

/** @param path of the document, with or without its extension */
export function titleOf(text: string, path: string, tree: Tree = parseMarkdown(text)): string {
  const result = readFrontMatter(text, tree)?.result;
  const written = result !== undefined && 'value' in result ? result.value['title'] : undefined;
  const fromFrontMatter =
    typeof written === 'string' || typeof written === 'number' ? String(written).replaceAll(/\s+/g, ' ').trim() : '';
  if (fromFrontMatter !== '') return cut(fromFrontMatter);
  const heading = outlineOf(text, tree).find(({ level, text: shown }) => level === 1 && shown !== '');
  return cut(heading?.text ?? labelOf(path));
}

/** `a/02-raw-data.md` → `Raw data`: the last part without extension, order number and leading `_`. */
export function labelOf(path: string): string {
  const name = (splitExt(path)?.path ?? path).split('/').at(-1) ?? '';
  const bare = name.replace(/^_+/, '').replace(/^\d+[-_. ]+(?=.)/, '');
  const words = bare.replaceAll('-', ' ').replaceAll(/\s+/g, ' ').trim();
  const [first = ''] = words;
  return words === '' ? name : first.toUpperCase() + words.slice(first.length);
}

function cut(title: string): string {
  const chars = Array.from(title);
  return chars.length > TITLE_CHARS_MAX ? `${chars.slice(0, TITLE_CHARS_MAX - 1).join('')}…` : title;
}
