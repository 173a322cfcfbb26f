/**
 * What a server answers to questions, in the exact shape we pass on: servers in the field send `null` for what they
 * leave out, and some a number where the protocol has text.
 */
import type { Answer, QuestionKind } from '@markco/protocol';

type Json = Readonly<Record<string, unknown>>;

/** Whose fields are missing may be answered with these. */
const DEFAULTS: Readonly<Record<QuestionKind, Json>> = {
  complete: { matches: [], cursorStart: 0, cursorEnd: 0, source: 'runtime' },
  inspect: { found: false, source: 'runtime' },
  hover: { found: false },
  variables: { variables: [], count: 0, truncated: false },
  variable: {
    type: '',
    value: '',
    expandable: false,
    fullValue: '',
    children: [],
    methods: [],
    attributes: [],
    truncated: false,
  },
  isComplete: { status: 'unknown', indent: '' },
  format: { changed: false },
  reset: {},
};

/** Where each kind is asked, and the feature that says whether. */
export const ENDPOINTS: Readonly<Record<QuestionKind, { readonly path: string; readonly feature: string }>> = {
  complete: { path: 'complete', feature: 'complete' },
  inspect: { path: 'inspect', feature: 'inspect' },
  hover: { path: 'hover', feature: 'hover' },
  variables: { path: 'variables', feature: 'variables' },
  variable: { path: 'variables/', feature: 'variableExpand' },
  isComplete: { path: 'is_complete', feature: 'isComplete' },
  format: { path: 'format', feature: 'format' },
  reset: { path: 'reset', feature: 'reset' },
};

export function replyOf<K extends QuestionKind>(kind: K, written: Json): Answer<K>;
export function replyOf(kind: QuestionKind, written: Json): Json {
  const reply: Record<string, unknown> = { ...DEFAULTS[kind], ...withoutNull(written) };
  if (kind === 'isComplete' && typeof reply['indent'] === 'number')
    reply['indent'] = ' '.repeat(spaces(reply['indent']));
  if (kind === 'inspect' && !Array.isArray(reply['children'])) delete reply['children'];
  for (const list of ['children', 'variables']) {
    const each = reply[list];
    if (Array.isArray(each))
      reply[list] = each.map((one) => ({ type: '', value: '', expandable: false, ...(one as Json) }));
  }
  if (kind === 'variables' && reply['count'] === 0) reply['count'] = (reply['variables'] as readonly unknown[]).length;
  return reply;
}

function spaces(count: number): number {
  return Math.min(Math.max(Math.trunc(count), 0), 1_000);
}

function withoutNull(value: Json): Json;
function withoutNull(value: unknown): unknown;
function withoutNull(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => withoutNull(each as unknown));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, each]) => each !== null)
      .map(([key, each]) => [key, withoutNull(each as unknown)]),
  );
}
