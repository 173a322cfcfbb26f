/** Code in colors: with the grammars of the editor, and the names it gives to colors. Each is loaded when it is first met. */
import { StreamLanguage, type StreamParser } from '@codemirror/language';
import type { Parser } from '@lezer/common';
import { classHighlighter, highlightCode } from '@lezer/highlight';
import { escapeHtml } from '@markco/protocol';

export type DrawCode = (code: string, info: string) => string;

/** Longer code has no colors: they would take longer than the rest of the page. */
const COLORED_CHARS_MAX = 200_000;

/** What `colors.css` has a color for. */
const COLORED =
  /^tok-(?:keyword|operatorKeyword|modifier|string2?|number|bool|literal|atom|comment|meta|definition|className|typeName)$/;

const stream = async (loading: Promise<StreamParser<unknown>>): Promise<Parser> =>
  StreamLanguage.define(await loading).parser;

const GRAMMARS: readonly (readonly [names: readonly string[], load: () => Promise<Parser>])[] = [
  [['python', 'py', 'python3'], async () => (await import('@codemirror/lang-python')).pythonLanguage.parser],
  [
    ['js', 'javascript', 'node', 'ts', 'typescript', 'jsx', 'tsx', 'ojs'],
    async () => (await import('@codemirror/lang-javascript')).tsxLanguage.parser,
  ],
  [['html'], async () => (await import('@codemirror/lang-html')).htmlLanguage.parser],
  [['css'], async () => (await import('@codemirror/lang-css')).cssLanguage.parser],
  [['json', 'jsonc'], async () => (await import('@codemirror/lang-json')).jsonLanguage.parser],
  [['yaml', 'yml'], async () => (await import('@codemirror/lang-yaml')).yamlLanguage.parser],
  [
    ['bash', 'sh', 'shell', 'zsh', 'console'],
    () => stream(import('@codemirror/legacy-modes/mode/shell').then(({ shell }) => shell)),
  ],
  [['r'], () => stream(import('@codemirror/legacy-modes/mode/r').then(({ r }) => r))],
  [['julia', 'jl'], () => stream(import('@codemirror/legacy-modes/mode/julia').then(({ julia }) => julia))],
];

/** The name of a language as a fence has it: `python`, `{python}`, `{.js #id}`. */
export const languageName = (info: string): string => /^\{*\.?([\w+-]+)/.exec(info.trim())?.[1]?.toLowerCase() ?? '';

/** What draws code in these languages; those that are not known are drawn without colors. */
export async function loadCode(infos: Iterable<string>): Promise<DrawCode> {
  const parsers = new Map<string, Parser>();
  for (const name of new Set([...infos].map(languageName))) {
    const grammar = GRAMMARS.find(([names]) => names.includes(name));
    if (grammar !== undefined) parsers.set(name, await grammar[1]());
  }
  return (code, info) => {
    const parser = parsers.get(languageName(info));
    if (parser === undefined || code.length > COLORED_CHARS_MAX) return escapeHtml(code);
    let html = '';
    highlightCode(
      code,
      parser.parse(code),
      classHighlighter,
      (text, classes) => {
        const colors = classes.split(' ').filter((name) => COLORED.test(name));
        html +=
          colors.length === 0
            ? escapeHtml(text)
            : `<span class="${escapeHtml(colors.join(' '))}">${escapeHtml(text)}</span>`;
      },
      () => void (html += '\n'),
    );
    return html;
  };
}
