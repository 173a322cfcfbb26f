/** The tables of the runtime protocol: each answer's fields with their types, and what is wrong with an answer. */

/**
 * `?` at the end: may be missing. `|null`: may be null. `[]`: a list of these. An object: these fields, others too. A
 * list: one of these texts.
 */
export type Shape =
  | string
  | readonly string[]
  | { readonly [field: string]: Shape }
  | { readonly is: Shape; readonly of: Wrap };
type Wrap = '?' | '|null' | '[]' | '?[]';

const listOf = (is: Shape): Shape => ({ is, of: '[]' });
const orNull = (is: Shape): Shape => ({ is, of: '|null' });
const maybe = (is: Shape): Shape => ({ is, of: '?' });

const ENVIRONMENT: Shape = { cwd: 'string', executable: 'string', virtualenv: 'string?|null' };
export const SESSION: Shape = {
  id: 'string',
  language: 'string',
  created: 'time',
  lastActivity: 'time',
  executionCount: 'count',
  variableCount: 'count',
};
export const SESSION_MADE: Shape = { ...(SESSION as object), environment: ENVIRONMENT };
export const SESSIONS: Shape = { sessions: listOf(SESSION) };
export const FEATURES = [
  'execute',
  'executeStream',
  'interrupt',
  'complete',
  'inspect',
  'hover',
  'variables',
  'variableExpand',
  'reset',
  'isComplete',
  'format',
  'assets',
] as const;
export type Feature = (typeof FEATURES)[number];
export const CAPABILITIES: Shape = {
  runtime: 'string',
  version: 'string',
  languages: 'string[]',
  features: Object.fromEntries(FEATURES.map((name) => [name, 'boolean'])),
  lspFallback: 'string?|null',
  defaultSession: 'string',
  maxSessions: 'count',
  environment: ENVIRONMENT,
};
export const ERROR: Shape = {
  type: 'string',
  message: 'string',
  traceback: 'string[]',
  line: 'count|null',
  column: 'count|null',
};
const DISPLAY: Shape = { data: 'object', metadata: 'object' };
const ASSET: Shape = { path: 'string', url: 'string', mimeType: 'string', assetType: 'string' };
export const RESULT: Shape = {
  success: 'boolean',
  stdout: 'string',
  stderr: 'string',
  result: 'string|null',
  error: orNull(ERROR),
  displayData: listOf(DISPLAY),
  assets: listOf({ ...(ASSET as object), size: 'count' }),
  executionCount: 'count',
  duration: 'number',
  imports: 'string[]',
};
export const EVENTS: Readonly<Record<string, Shape>> = {
  start: { execId: 'string', timestamp: 'time' },
  stdout: { content: 'string', accumulated: 'string?' },
  stderr: { content: 'string', accumulated: 'string?' },
  stdin_request: { prompt: 'string', password: 'boolean', exec_id: 'string' },
  display: DISPLAY,
  asset: ASSET,
  result: RESULT,
  error: ERROR,
  done: {},
};
const KINDS = 'variable function method property class module keyword constant field value'.split(' ');
const SOURCES = ['runtime', 'lsp', 'static'];
export const COMPLETIONS: Shape = {
  matches: listOf({
    label: 'string',
    insertText: 'string?|null',
    kind: KINDS,
    detail: 'string?|null',
    documentation: 'string?|null',
    valuePreview: 'string?|null',
    type: 'string?|null',
  }),
  cursorStart: 'count',
  cursorEnd: 'count',
  source: SOURCES,
};
const VARIABLE: Shape = {
  name: 'string',
  type: 'string',
  value: 'string',
  size: 'string?|null',
  expandable: 'boolean',
  shape: 'count[]?|null',
  dtype: 'string?|null',
  length: 'count?|null',
  keys: 'string[]?|null',
};
export const INSPECTION: Shape = {
  found: 'boolean',
  source: SOURCES,
  name: 'string?|null',
  kind: 'string?|null',
  type: 'string?|null',
  signature: 'string?|null',
  docstring: 'string?|null',
  sourceCode: 'string?|null',
  file: 'string?|null',
  line: 'count?|null',
  value: 'string?|null',
};
export const HOVER: Shape = {
  found: 'boolean',
  name: 'string?|null',
  type: 'string?|null',
  value: 'string?|null',
  signature: 'string?|null',
};
export const VARIABLES: Shape = { variables: listOf(VARIABLE), count: 'count', truncated: 'boolean' };
export const VARIABLE_DETAIL: Shape = {
  ...(VARIABLE as object),
  fullValue: 'string',
  children: listOf(VARIABLE),
  methods: 'string[]',
  attributes: 'string[]',
  truncated: 'boolean',
};
export const IS_COMPLETE: Shape = { status: ['complete', 'incomplete', 'invalid', 'unknown'], indent: 'string' };
export const FORMATTED: Shape = { formatted: 'string', changed: 'boolean' };
export const INPUT: Shape = { accepted: 'boolean', error: 'string?|null' };
export const INTERRUPTED: Shape = { interrupted: 'boolean' };
export const HISTORY: Shape = { entries: listOf({ index: 'count', code: 'string' }), hasMore: maybe('boolean') };

/** What does not fit, one line a field; empty when everything does. */
export function misfits(value: unknown, shape: Shape, path = 'answer'): string[] {
  if (typeof shape === 'string') return fits(value, shape) ? [] : [`${path}: ${show(value)} is no ${shape}`];
  if (Array.isArray(shape))
    return shape.includes(value as string) ? [] : [`${path}: ${show(value)} is none of ${shape.join(', ')}`];
  if (isWrapped(shape)) {
    if (shape.of === '?' && value === undefined) return [];
    if (shape.of === '|null' && value === null) return [];
    if (shape.of !== '[]') return misfits(value, shape.is, path);
    if (!Array.isArray(value)) return [`${path}: ${show(value)} is no list`];
    return value.flatMap((one, index) => misfits(one, shape.is, `${path}[${index}]`)).slice(0, 10);
  }
  if (!isObject(value)) return [`${path}: ${show(value)} is no object`];
  return Object.entries(shape).flatMap(([field, inner]) => misfits(value[field], inner as Shape, `${path}.${field}`));
}

function isWrapped(shape: object): shape is { is: Shape; of: Wrap } {
  return 'is' in shape && 'of' in shape;
}

function fits(value: unknown, type: string): boolean {
  if (type.endsWith('|null')) return value === null || fits(value, type.slice(0, -5));
  if (type.endsWith('?')) return value === undefined || fits(value, type.slice(0, -1));
  if (type.endsWith('[]')) return Array.isArray(value) && value.every((one) => fits(one, type.slice(0, -2)));
  if (type === 'object') return isObject(value);
  if (type === 'count') return Number.isInteger(value) && (value as number) >= 0;
  if (type === 'time') return typeof value === 'string' && !Number.isNaN(Date.parse(value));
  return typeof value === type;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 100);
}
