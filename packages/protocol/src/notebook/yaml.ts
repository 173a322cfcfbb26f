/**
 * YAML as people write it into documents: untrusted text in, a plain value or one sentence out. Never throws.
 *
 * Bounded in text, depth, aliases and number of values, so that no document can stop the program with a few lines.
 * Keys that reach into an object's prototype are left out.
 */
import { parseDocument } from 'yaml';

export type YamlValue = string | number | boolean | null | readonly YamlValue[] | YamlMap;
export type YamlMap = { readonly [key: string]: YamlValue };
export type YamlResult = { readonly value: YamlValue } | { readonly error: string };

/** Above each of these the text is refused with an error value. */
const YAML_CHARS_MAX = 32 * 1024;
const YAML_DEPTH_MAX = 32;
const YAML_VALUES_MAX = 10_000;
const YAML_ALIASES_MAX = 50;

const UNSAFE_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

export function readYaml(text: string): YamlResult {
  if (text.length > YAML_CHARS_MAX)
    return { error: `The YAML is longer than ${YAML_CHARS_MAX} characters. Shorten it.` };
  if (nesting(text) > YAML_DEPTH_MAX)
    return { error: `The YAML is nested deeper than ${YAML_DEPTH_MAX} levels. Flatten it.` };
  try {
    const document = parseDocument(text, { schema: 'core', logLevel: 'error', prettyErrors: false, stringKeys: true });
    const [problem] = document.errors;
    if (problem !== undefined)
      return { error: `The YAML cannot be read: ${problem.message} (character ${problem.pos[0]}).` };
    const budget = { values: YAML_VALUES_MAX };
    return { value: toPlain(document.toJS({ maxAliasCount: YAML_ALIASES_MAX }), 0, budget) };
  } catch (error) {
    return { error: `The YAML cannot be read: ${error instanceof Error ? error.message : 'it is malformed'}.` };
  }
}

export function isYamlMap(value: YamlValue | undefined): value is YamlMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** How deep the text can be nested at most: cheap to count, and the parser must not be asked about ten thousand levels. */
function nesting(text: string): number {
  let open = 0;
  let deepest = 0;
  for (const line of text.split('\n')) {
    for (const mark of line.matchAll(/[[{\]}]/g)) {
      open = Math.max(0, open + (mark[0] === '[' || mark[0] === '{' ? 1 : -1));
      deepest = Math.max(deepest, open);
    }
    deepest = Math.max(deepest, line.match(/^(?:[ \t]*[-?:][ \t])*/)?.[0].replaceAll(/\s/g, '').length ?? 0);
  }
  return deepest;
}

function toPlain(value: unknown, depth: number, budget: { values: number }): YamlValue {
  if (depth > YAML_DEPTH_MAX) throw new RangeError(`it is nested deeper than ${YAML_DEPTH_MAX} levels`);
  if (--budget.values < 0) throw new RangeError(`it holds more than ${YAML_VALUES_MAX} values`);
  if (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number') return value;
  if (Array.isArray(value)) return value.map((item) => toPlain(item, depth + 1, budget));
  if (typeof value !== 'object' || value === null) return null;
  const map: Record<string, YamlValue> = {};
  for (const [key, item] of Object.entries(value)) {
    if (!UNSAFE_KEYS.has(key)) map[key] = toPlain(item, depth + 1, budget);
  }
  return map;
}
