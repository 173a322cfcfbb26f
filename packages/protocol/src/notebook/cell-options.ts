/**
 * The options of a cell: Quarto's `#| key: value` lines at its top (`//|` in JavaScript), over those of its info string.
 *
 * An option that cannot be read keeps its default and is named in `problems`: a typing mistake never changes how a
 * cell runs without a word. Options nobody here knows are kept in `other`.
 */
import type { Language } from '../entity/language.ts';
import type { CellInfo } from './cell-info.ts';
import { isYamlMap, readYaml, type YamlMap, type YamlValue } from './yaml.ts';

export type CellOptions = {
  /** The cell's name, for links and for telling it from others; null when it has none. */
  readonly label: string | null;
  /** Whether a published page shows the code. */
  readonly echo: boolean;
  /** Whether it runs at all. */
  readonly eval: boolean;
  /** Whether a published page shows the output; `asis` shows it as Markdown. */
  readonly output: boolean | 'asis';
  /** How long it may run, in milliseconds; null for as long as it takes. */
  readonly timeoutMs: number | null;
  /** The device it should run on, by name; null for the best one. */
  readonly on: string | null;
  /** What its device must have (`gpu`). */
  readonly needs: readonly string[];
  readonly figCap: string | null;
  readonly other: YamlMap;
  /** One sentence for each option that could not be read. */
  readonly problems: readonly string[];
};

const OPTION_LINES_MAX = 100;
const TIMEOUT_MS_MAX = 30 * 24 * 3_600_000;

/** How many of the first lines of a cell are options. At most 100: the rest is code. */
export function countOptionLines(lines: readonly string[], language: Language): number {
  const mark = markOf(language);
  const end = lines.findIndex((line) => !line.trimStart().startsWith(mark));
  return Math.min(end < 0 ? lines.length : end, OPTION_LINES_MAX);
}

/** @param lines the option lines of the cell, with their marks */
export function parseCellOptions(lines: readonly string[], info: CellInfo): CellOptions {
  if (lines.length === 0 && info.options.size === 0) return DEFAULTS;
  const key = JSON.stringify([info.language, [...info.options], lines]);
  const seen = known.get(key);
  if (seen !== undefined) return seen;
  if (known.size >= KNOWN_MAX) known.clear();
  const options = readOptions(lines, info);
  known.set(key, options);
  return options;
}

/** The options that code carries in its own first lines: what a host knows of a cell that was sent to it. */
export function codeOptions(code: string, language: Language): CellOptions {
  const lines = code.split('\n', OPTION_LINES_MAX);
  return parseCellOptions(lines.slice(0, countOptionLines(lines, language)), { language, options: new Map() });
}

/**
 * Options read before: an editor asks for all cells after each key, and reading YAML is what that costs.
 * At the bound it starts anew.
 */
const known = new Map<string, CellOptions>();
const KNOWN_MAX = 1_000;

function readOptions(lines: readonly string[], info: CellInfo): CellOptions {
  const mark = markOf(info.language);
  const result =
    lines.length === 0 ? { value: {} } : readYaml(lines.map((line) => line.trimStart().slice(mark.length)).join('\n'));
  const problems: string[] = [];
  let written: YamlMap = {};
  if ('error' in result) problems.push(result.error);
  else if (isYamlMap(result.value)) written = result.value;
  else if (result.value !== null) problems.push('Options are written one a line, as `#| name: value`.');
  return fold(new Map([...info.options, ...Object.entries(written)]), problems);
}

const DEFAULTS: CellOptions = {
  label: null,
  echo: true,
  eval: true,
  output: true,
  timeoutMs: null,
  on: null,
  needs: [],
  figCap: null,
  other: {},
  problems: [],
};

function markOf(language: Language): string {
  return language === 'js' ? '//|' : '#|';
}

function fold(values: ReadonlyMap<string, YamlValue>, problems: string[]): CellOptions {
  const other: Record<string, YamlValue> = {};
  let options = DEFAULTS;
  for (const [name, value] of values) {
    const known = readOption(name, value);
    if (known === 'unknown') other[name] = value;
    else if (known === null)
      problems.push(`The option \`${name}\` cannot be ${JSON.stringify(value)}; its default is used.`);
    else options = { ...options, ...known };
  }
  return { ...options, other, problems };
}

function readOption(name: string, value: YamlValue): Partial<CellOptions> | null | 'unknown' {
  switch (name) {
    case 'label':
      return isName(value) ? { label: String(value) } : null;
    case 'on':
      return isName(value) ? { on: String(value) } : null;
    case 'fig-cap':
      return isName(value) ? { figCap: String(value) } : null;
    case 'echo':
      // Quarto's `fenced` shows the code with its fence.
      return value === 'fenced' ? { echo: true } : typeof value === 'boolean' ? { echo: value } : null;
    case 'eval':
      return typeof value === 'boolean' ? { eval: value } : null;
    case 'output':
      return typeof value === 'boolean' || value === 'asis' ? { output: value } : null;
    case 'timeout': {
      const timeoutMs = durationMs(value);
      return timeoutMs === null ? null : { timeoutMs };
    }
    case 'needs': {
      const needs = Array.isArray(value) ? value : [value];
      return needs.every(isName) ? { needs: needs.map(String) } : null;
    }
    default:
      return 'unknown';
  }
}

function isName(value: YamlValue): value is string | number {
  return (typeof value === 'string' && value !== '') || typeof value === 'number';
}

/** Seconds as a number, or `90s`, `5m`, `2h`. */
function durationMs(value: YamlValue): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h)?$/.exec(String(value));
  if (match === null) return null;
  const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[match[2] ?? 's'] ?? 1_000;
  const ms = Number(match[1]) * unitMs;
  return ms > 0 && ms <= TIMEOUT_MS_MAX ? ms : null;
}
