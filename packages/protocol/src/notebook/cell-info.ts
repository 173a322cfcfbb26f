/**
 * What a fence's info string says: `python`, `{python}`, `{python, label, echo=FALSE}`, `python echo=false`.
 *
 * Only languages that a session can run make a cell. `{{python}}` shows how a cell is written, and `{.python}` is
 * Pandoc's way to color code: neither runs.
 */
import type { Language } from '../entity/language.ts';
import type { YamlValue } from './yaml.ts';

const ALIASES: ReadonlyMap<string, Language> = new Map([
  ...['python', 'py', 'python3'].map((alias) => [alias, 'python'] as const),
  ...['bash', 'sh', 'shell', 'zsh'].map((alias) => [alias, 'bash'] as const),
  ...['js', 'javascript', 'node', 'ts', 'typescript'].map((alias) => [alias, 'js'] as const),
  ['r', 'r'],
  ['julia', 'julia'],
  ['jl', 'julia'],
]);

export type CellInfo = { readonly language: Language; readonly options: ReadonlyMap<string, YamlValue> };

/** The language of a name as people write it in a fence (`py`, `Shell`), or null when no session runs it. */
export function languageOf(name: string): Language | null {
  return ALIASES.get(name.toLowerCase()) ?? null;
}

/** Null for what is no cell. Options keep their names as written; what is no option is left out. */
export function parseCellInfo(info: string): CellInfo | null {
  const braced = /^\{(?!\{)([^{}]*)\}/.exec(info);
  const inside = braced === null ? info : (braced[1] ?? '');
  const name = /^\s*([A-Za-z]\w*)(?=[\s,{]|$)/.exec(inside);
  const language = name === null ? null : languageOf(name[1] ?? '');
  if (name === null || language === null) return null;
  const rest = inside.slice(name[0].length).replace(/^\s*\{([^{}]*)\}.*$/s, '$1');
  return { language, options: parsePairs(rest) };
}

const PAIR = /([\w.-]+)\s*=\s*("[^"]*"|'[^']*'|[^\s,}]+)|#([\w:.-]+)|([\w:.-]+)/g;

/** `label, echo=FALSE, fig.cap="A plot"`: a bare first word is the label, as in knitr; `#id` is one too, as in Pandoc. */
function parsePairs(text: string): ReadonlyMap<string, YamlValue> {
  const options = new Map<string, YamlValue>();
  for (const [, key, value, id, bare] of text.matchAll(PAIR)) {
    if (key !== undefined && value !== undefined) options.set(key.replaceAll('.', '-'), scalarOf(value));
    else if (id !== undefined) options.set('label', id);
    else if (bare !== undefined && options.size === 0) options.set('label', bare);
  }
  return options;
}

function scalarOf(text: string): YamlValue {
  const quoted = /^(["'])(.*)\1$/s.exec(text);
  if (quoted !== null) return quoted[2] ?? '';
  if (/^(?:true|t)$/i.test(text)) return true;
  if (/^(?:false|f)$/i.test(text)) return false;
  return /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : text;
}
