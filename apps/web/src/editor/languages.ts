/** Which grammar colors a cell. The common ones are here at once; those of fewer documents load on first use. */
import { LanguageDescription, LanguageSupport, StreamLanguage, type Language } from '@codemirror/language';
import { css } from '@codemirror/lang-css';
import { html } from '@codemirror/lang-html';
import { javascript } from '@codemirror/lang-javascript';
import { pythonLanguage } from '@codemirror/lang-python';

const tsx = javascript({ typescript: true, jsx: true });

const LANGUAGES: readonly LanguageDescription[] = [
  LanguageDescription.of({ name: 'python', alias: ['py', 'python3'], support: new LanguageSupport(pythonLanguage) }),
  LanguageDescription.of({ name: 'js', alias: ['javascript', 'node', 'ts', 'typescript', 'jsx', 'tsx', 'ojs'], support: tsx }),
  LanguageDescription.of({ name: 'html', support: html() }),
  LanguageDescription.of({ name: 'css', support: css() }),
  LanguageDescription.of({ name: 'json', alias: ['jsonc'], load: async () => (await import('@codemirror/lang-json')).json() }),
  LanguageDescription.of({ name: 'yaml', alias: ['yml'], load: async () => (await import('@codemirror/lang-yaml')).yaml() }),
  LanguageDescription.of({
    name: 'bash',
    alias: ['sh', 'shell', 'zsh', 'console'],
    load: async () => new LanguageSupport(StreamLanguage.define((await import('@codemirror/legacy-modes/mode/shell')).shell)),
  }),
  LanguageDescription.of({
    name: 'r',
    load: async () => new LanguageSupport(StreamLanguage.define((await import('@codemirror/legacy-modes/mode/r')).r)),
  }),
  LanguageDescription.of({
    name: 'julia',
    alias: ['jl'],
    load: async () => new LanguageSupport(StreamLanguage.define((await import('@codemirror/legacy-modes/mode/julia')).julia)),
  }),
];

/** By the info string of a fence: `python`, `{python}`, `{.js #id}`. */
export function languageOfInfo(info: string): LanguageDescription | Language | null {
  const name = /^\{*\.?([\w+-]+)/.exec(info.trim())?.[1]?.toLowerCase();
  if (name === undefined) return null;
  return LANGUAGES.find((language) => language.name === name || language.alias.includes(name)) ?? null;
}
