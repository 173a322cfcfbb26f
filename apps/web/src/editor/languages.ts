/**
 * The grammar of documents, and which grammar colors a cell. Python is here at once; the others load on first use,
 * which is also why Markdown is put together here: `@codemirror/lang-markdown` brings HTML, CSS and JavaScript along.
 */
import { pythonLanguage } from '@codemirror/lang-python';
import {
  defineLanguageFacet,
  indentNodeProp,
  Language,
  LanguageDescription,
  languageDataProp,
  LanguageSupport,
  ParseContext,
  StreamLanguage,
  type StreamParser,
} from '@codemirror/language';
import type { Parser } from '@lezer/common';
import { parseCode } from '@lezer/markdown';
import { markdownParser } from '@markco/protocol';

const stream = async (loading: Promise<StreamParser<unknown>>): Promise<LanguageSupport> =>
  new LanguageSupport(StreamLanguage.define(await loading));

const LANGUAGES: readonly LanguageDescription[] = [
  LanguageDescription.of({ name: 'python', alias: ['py', 'python3'], support: new LanguageSupport(pythonLanguage) }),
  LanguageDescription.of({
    name: 'js',
    alias: ['javascript', 'node', 'ts', 'typescript', 'jsx', 'tsx', 'ojs'],
    load: async () => (await import('@codemirror/lang-javascript')).javascript({ typescript: true, jsx: true }),
  }),
  LanguageDescription.of({ name: 'html', load: async () => (await import('@codemirror/lang-html')).html() }),
  LanguageDescription.of({ name: 'css', load: async () => (await import('@codemirror/lang-css')).css() }),
  LanguageDescription.of({
    name: 'json',
    alias: ['jsonc'],
    load: async () => (await import('@codemirror/lang-json')).json(),
  }),
  LanguageDescription.of({
    name: 'yaml',
    alias: ['yml'],
    load: async () => (await import('@codemirror/lang-yaml')).yaml(),
  }),
  LanguageDescription.of({
    name: 'bash',
    alias: ['sh', 'shell', 'zsh', 'console'],
    load: () => stream(import('@codemirror/legacy-modes/mode/shell').then(({ shell }) => shell)),
  }),
  LanguageDescription.of({
    name: 'r',
    load: () => stream(import('@codemirror/legacy-modes/mode/r').then(({ r }) => r)),
  }),
  LanguageDescription.of({
    name: 'julia',
    alias: ['jl'],
    load: () => stream(import('@codemirror/legacy-modes/mode/julia').then(({ julia }) => julia)),
  }),
];

/** By the info string of a fence: `python`, `{python}`, `{.js #id}`. */
function parserOfInfo(info: string): Parser | null {
  const name = /^\{*\.?([\w+-]+)/.exec(info.trim())?.[1]?.toLowerCase();
  const found =
    name === undefined
      ? undefined
      : LANGUAGES.find((language) => language.name === name || language.alias.includes(name));
  if (found === undefined) return null;
  return found.support?.language.parser ?? ParseContext.getSkippingParser(found.load());
}

const data = defineLanguageFacet({
  commentTokens: { block: { open: '<!--', close: '-->' } },
  closeBrackets: { brackets: [] },
});

/** The grammar of documents as the protocol has it, with the code in its fences parsed by its own language. */
export const documentLanguage = new Language(
  data,
  markdownParser.configure([
    { props: [languageDataProp.add({ Document: data }), indentNodeProp.add({ Document: () => null })] },
    parseCode({ codeParser: parserOfInfo }),
  ]),
  [],
  'markdown',
);
