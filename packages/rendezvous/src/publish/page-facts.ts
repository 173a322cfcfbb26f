/** What a page says of itself: its title and description, and whether it may be shown at all. */
import { namedFiles, parseMarkdown, readFrontMatter, titleOf, type YamlMap, type YamlValue } from '@markco/protocol';
import { mergeMaps } from '@markco/protocol/notebook/config';
import { plainText } from '@markco/protocol/notebook/plain-text';
import { isYamlMap } from '@markco/protocol/notebook/yaml';
import { findSecrets, type Finding } from './secrets.ts';

export type PageFacts = {
  readonly title: string;
  /** From its front matter, else its first words. */
  readonly description: string;
  readonly author: string | null;
  /** `2026-11-22`, as its front matter says it. */
  readonly date: string | null;
  /** `en`, `fr-CA`. */
  readonly lang: string;
  /** Why its own words keep it off the site; null when nothing does. */
  readonly leftOut: string | null;
  /** What looks like a secret in it. */
  readonly findings: readonly Finding[];
  /** Files of the project that it shows or links to. */
  readonly files: readonly string[];
};

/** A longer page is not drawn: it would take too long, and be too much for a reader's browser. */
export const PAGE_CHARS_MAX = 1024 * 1024;
const DESCRIPTION_CHARS_MAX = 200;

/**
 * @param file of the page in its project, `a/b.md`
 * @param settings of its project, which its own front matter wins over
 */
export function pageFactsOf(text: string, file: string, id: string, settings: YamlMap): PageFacts {
  const isLong = text.length > PAGE_CHARS_MAX;
  const shown = isLong ? '' : text;
  const tree = parseMarkdown(shown);
  // One that is not closed is shown by nobody as what it was meant to be.
  const isOpen = tree.topNode.firstChild?.name === 'FrontMatter' && readFrontMatter(shown, tree) === null;
  const read = isOpen ? { error: 'not closed' } : (readFrontMatter(shown, tree)?.result ?? { value: {} });
  const own = 'value' in read ? read.value : {};
  const values = mergeMaps(settings, own);
  const words = ['description', 'abstract', 'summary', 'subtitle'].flatMap((name) => wordsOf(own[name]))[0];
  return {
    title: titleOf(shown, file, tree),
    description: cut(words ?? firstWords(shown, tree)),
    author: authorOf(values['author']),
    date: /^\d{4}-\d\d-\d\d/.exec(wordsOf(own['date'])[0] ?? '')?.[0] ?? null,
    lang: /^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}$/.exec(wordsOf(values['lang'])[0] ?? '')?.[0] ?? 'en',
    leftOut: isLong
      ? `it is longer than ${PAGE_CHARS_MAX / 1024 / 1024} MiB; split it`
      : 'error' in read
        ? 'its front matter cannot be read, so it may say that it is private'
        : leftOutBy(values),
    findings: findSecrets(text, id),
    files: namedFiles(shown, file),
  };
}

function leftOutBy(values: YamlMap): string | null {
  if (isOff(values['publish']) || isOff(values['published'])) return 'it says `publish: false`';
  return isOn(values['draft']) ? 'it says `draft: true`' : null;
}

const isOff = (value: YamlValue | undefined): boolean =>
  value === false || (typeof value === 'string' && /^(?:false|no|off|never)$/i.test(value.trim()));
const isOn = (value: YamlValue | undefined): boolean =>
  value === true || (typeof value === 'string' && /^(?:true|yes|on)$/i.test(value.trim()));

/** One string, or none. */
function wordsOf(value: YamlValue | undefined): readonly string[] {
  if (typeof value !== 'string' && typeof value !== 'number') return [];
  const words = String(value).replaceAll(/\s+/g, ' ').trim();
  return words === '' ? [] : [words];
}

/** `Ada`, `[Ada, Bob]`, `{ name: Ada }`, and lists of these, as Quarto has them. */
function authorOf(value: YamlValue | undefined): string | null {
  const all = Array.isArray(value) ? value : [value];
  const names = all.flatMap((each: YamlValue | undefined) => wordsOf(isYamlMap(each) ? each['name'] : each));
  return names.length === 0 ? null : cut(names.join(', '));
}

function firstWords(text: string, tree: ReturnType<typeof parseMarkdown>): string {
  const paragraph = tree.topNode.getChild('Paragraph');
  return paragraph === null ? '' : plainText(text, paragraph);
}

function cut(text: string): string {
  const chars = Array.from(text);
  return chars.length > DESCRIPTION_CHARS_MAX
    ? `${chars
        .slice(0, DESCRIPTION_CHARS_MAX - 1)
        .join('')
        .trimEnd()}…`
    : text;
}
