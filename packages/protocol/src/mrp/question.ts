/**
 * What can be asked of a live interpreter besides running code: the MRMD Runtime Protocol's shapes, kind by kind.
 *
 * A question never changes the session, except `reset`. Positions (`cursor`, `cursorStart`, `cursorEnd`) are in
 * characters of `code` (UTF-16 units). An interpreter that cannot answer a kind says so in its capabilities.
 */
import * as z from 'zod/mini';
import { CountSchema } from '../entity/scalar.ts';
import { LIMITS } from '../limits.ts';

const code = z.string().check(z.maxLength(LIMITS.codeBytesMax));
const name = z.string().check(z.minLength(1), z.maxLength(1_000));
const shown = z.string().check(z.maxLength(LIMITS.answerBytesMax));
const cursor = CountSchema;
const flag = z.boolean();

export const COMPLETION_KINDS = [
  'variable',
  'function',
  'method',
  'property',
  'class',
  'module',
  'keyword',
  'constant',
  'field',
  'value',
] as const;

export const VariableSchema = z.object({
  name: shown,
  type: shown,
  /** One line, cut. */
  value: shown,
  /** For people: `800 B`, `1.2 MB`. */
  size: z.optional(shown),
  expandable: flag,
  shape: z.optional(z.array(CountSchema)),
  dtype: z.optional(shown),
  length: z.optional(CountSchema),
  keys: z.optional(z.array(shown)),
});
export type Variable = z.infer<typeof VariableSchema>;

/** What goes in, without the session it is asked of. */
export const QUESTIONS = {
  complete: z.object({
    code,
    cursor,
    triggerKind: z.optional(z.enum(['invoked', 'character', 'incomplete'])),
    triggerCharacter: z.optional(z.string().check(z.maxLength(10))),
  }),
  inspect: z.object({ code, cursor, detail: z.optional(z.union([z.literal(0), z.literal(1), z.literal(2)])) }),
  hover: z.object({ code, cursor }),
  variables: z.object({
    filter: z.optional(
      z.object({
        types: z.optional(z.array(name).check(z.maxLength(100))),
        namePattern: z.optional(name),
        excludePrivate: z.optional(flag),
      }),
    ),
  }),
  variable: z.object({
    name,
    /** Keys, indices and attribute names, as `children` name them, from the variable down. */
    path: z.optional(z.array(name).check(z.maxLength(100))),
    maxChildren: z.optional(z.int().check(z.minimum(1), z.maximum(10_000))),
    maxValueLength: z.optional(z.int().check(z.minimum(1), z.maximum(100_000))),
  }),
  isComplete: z.object({ code }),
  format: z.object({ code }),
  reset: z.object({}),
} as const;

/** What comes out. */
export const ANSWERS = {
  complete: z.object({
    matches: z.array(
      z.object({
        label: shown,
        insertText: z.optional(shown),
        kind: z.enum(COMPLETION_KINDS),
        detail: z.optional(shown),
        documentation: z.optional(shown),
        valuePreview: z.optional(shown),
        type: z.optional(shown),
      }),
    ),
    cursorStart: cursor,
    cursorEnd: cursor,
    source: z.enum(['runtime', 'lsp', 'static']),
  }),
  inspect: z.object({
    found: flag,
    source: z.enum(['runtime', 'lsp', 'static']),
    name: z.optional(shown),
    kind: z.optional(shown),
    type: z.optional(shown),
    signature: z.optional(shown),
    docstring: z.optional(shown),
    sourceCode: z.optional(shown),
    file: z.optional(shown),
    line: z.optional(CountSchema),
    value: z.optional(shown),
    children: z.optional(z.array(VariableSchema)),
  }),
  hover: z.object({
    found: flag,
    name: z.optional(shown),
    type: z.optional(shown),
    value: z.optional(shown),
    signature: z.optional(shown),
  }),
  variables: z.object({ variables: z.array(VariableSchema), count: CountSchema, truncated: flag }),
  variable: z.extend(VariableSchema, {
    fullValue: shown,
    children: z.array(VariableSchema),
    methods: z.array(shown),
    attributes: z.array(shown),
    truncated: flag,
  }),
  isComplete: z.object({ status: z.enum(['complete', 'incomplete', 'invalid', 'unknown']), indent: shown }),
  format: z.object({ formatted: code, changed: flag }),
  reset: z.object({}),
} as const;

export type QuestionKind = keyof typeof QUESTIONS;
export const QUESTION_KINDS = Object.keys(QUESTIONS) as readonly QuestionKind[];
export type Question<K extends QuestionKind = QuestionKind> = z.infer<(typeof QUESTIONS)[K]>;
export type Answer<K extends QuestionKind = QuestionKind> = z.infer<(typeof ANSWERS)[K]>;
