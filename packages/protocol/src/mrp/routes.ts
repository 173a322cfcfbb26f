/**
 * The MRMD Runtime Protocol of a device, `/mrp/v1/*`, as rows of the route table.
 *
 * `session` is the id of a session, or `PROJECT:NAME@LANGUAGE` of which each part may be left out: the project opened
 * first, the name `default`, Python. Unknown fields are ignored, as the protocol asks; a field that is null is one
 * that is missing, as some programs write it.
 */
import * as z from 'zod/mini';
import { CountSchema, TimeSchema } from '../entity/scalar.ts';
import { SessionIdSchema } from '../id.ts';
import { LIMITS } from '../limits.ts';
import { ANSWERS, QUESTIONS } from './question.ts';

const text = z.string().check(z.maxLength(4_096));
const code = z.string().check(z.maxLength(LIMITS.codeBytesMax));
const session = z.optional(text);

export const MrpEnvironmentSchema = z.object({
  cwd: z.string(),
  executable: z.string(),
  virtualenv: z.optional(z.string()),
});

export const MrpSessionSchema = z.object({
  /** The shortest name that means it; it may be asked for by `sessionId` as well. */
  id: z.string(),
  /** The same session in the rest of the API. */
  sessionId: SessionIdSchema,
  language: z.string(),
  created: TimeSchema,
  lastActivity: TimeSchema,
  executionCount: CountSchema,
  variableCount: CountSchema,
  environment: z.optional(MrpEnvironmentSchema),
  /** The other device it is on, by its name. */
  device: z.optional(z.string()),
});
export type MrpSession = z.infer<typeof MrpSessionSchema>;

export const MrpCreateSessionSchema = z.object({
  language: z.optional(text),
  id: z.optional(text),
  environment: z.optional(
    z.object({
      cwd: z.optional(text),
      executable: z.optional(text),
      virtualenv: z.optional(text),
      env: z.optional(z.record(z.string(), z.string())),
    }),
  ),
  dependencies: z.optional(z.array(text).check(z.maxLength(1_000))),
  pythonVersion: z.optional(text),
});
export type MrpCreateSession = z.infer<typeof MrpCreateSessionSchema>;

export const MrpExecuteSchema = z.object({
  code,
  session,
  storeHistory: z.optional(z.boolean()),
  silent: z.optional(z.boolean()),
  assetDir: z.optional(text),
  execId: z.optional(z.string().check(z.minLength(1), z.maxLength(200))),
  cellId: z.optional(z.string().check(z.minLength(1), z.maxLength(200))),
  cellMeta: z.optional(z.record(z.string(), z.unknown())),
});
export type MrpExecute = z.infer<typeof MrpExecuteSchema>;

export const MrpErrorSchema = z.object({
  type: z.string(),
  message: z.string(),
  traceback: z.array(z.string()),
  line: z.nullable(CountSchema),
  column: z.nullable(CountSchema),
});

export const MrpAssetSchema = z.object({
  path: z.string(),
  url: z.string(),
  mimeType: z.string(),
  assetType: z.string(),
  size: CountSchema,
});

export const MrpResultSchema = z.object({
  success: z.boolean(),
  stdout: z.string(),
  stderr: z.string(),
  result: z.nullable(z.string()),
  error: z.nullable(MrpErrorSchema),
  displayData: z.array(
    z.object({ data: z.record(z.string(), z.unknown()), metadata: z.record(z.string(), z.unknown()) }),
  ),
  assets: z.array(MrpAssetSchema),
  executionCount: CountSchema,
  /** Milliseconds. */
  duration: z.number(),
  imports: z.array(z.string()),
});
export type MrpResult = z.infer<typeof MrpResultSchema>;

const of = { session };

const isMap = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Without what is null, two levels down: no request has optional fields any deeper. */
function withoutNulls(value: unknown, depth = 2): unknown {
  if (depth === 0 || !isMap(value)) return value;
  const kept = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(kept.map(([key, field]) => [key, withoutNulls(field, depth - 1)]));
}

function bodyOf<T extends z.ZodMiniType>(schema: T) {
  return z.pipe(
    z.transform((value: unknown) => withoutNulls(value)),
    schema,
  );
}

export const MRP_ROUTES = {
  mrpCapabilities: {
    method: 'GET',
    path: '/mrp/v1/capabilities',
    status: 200,
    answer: z.object({
      runtime: z.string(),
      version: z.string(),
      languages: z.array(z.string()),
      /** Of the default session. */
      features: z.record(z.string(), z.boolean()),
      /** Of each language: what it does not offer is answered as if its session was not running. */
      languageFeatures: z.record(z.string(), z.record(z.string(), z.boolean())),
      lspFallback: z.optional(z.string()),
      defaultSession: z.string(),
      maxSessions: CountSchema,
      environment: MrpEnvironmentSchema,
    }),
  },
  mrpSessions: {
    method: 'GET',
    path: '/mrp/v1/sessions',
    status: 200,
    answer: z.object({ sessions: z.array(MrpSessionSchema) }),
  },
  mrpCreateSession: {
    method: 'POST',
    path: '/mrp/v1/sessions',
    body: bodyOf(MrpCreateSessionSchema),
    status: 200,
    answer: MrpSessionSchema,
  },
  mrpSession: { method: 'GET', path: '/mrp/v1/sessions/:session', status: 200, answer: MrpSessionSchema },
  mrpDeleteSession: { method: 'DELETE', path: '/mrp/v1/sessions/:session', status: 200, answer: z.object({}) },
  mrpResetSession: { method: 'POST', path: '/mrp/v1/sessions/:session/reset', status: 200, answer: MrpSessionSchema },
  mrpExecute: {
    method: 'POST',
    path: '/mrp/v1/execute',
    body: bodyOf(MrpExecuteSchema),
    status: 200,
    answer: MrpResultSchema,
  },
  /** Server-sent events. */
  mrpExecuteStream: {
    method: 'POST',
    path: '/mrp/v1/execute/stream',
    body: bodyOf(MrpExecuteSchema),
    query: z.object({ accumulated: z.optional(z.string()) }),
    status: 200,
  },
  mrpInput: {
    method: 'POST',
    path: '/mrp/v1/input',
    body: bodyOf(
      z.object({ session, exec_id: z.optional(text), text: z.string().check(z.maxLength(LIMITS.eventBytesMax)) }),
    ),
    status: 200,
    answer: z.object({ accepted: z.boolean(), error: z.optional(z.string()) }),
  },
  mrpInterrupt: {
    method: 'POST',
    path: '/mrp/v1/interrupt',
    body: bodyOf(z.object(of)),
    status: 200,
    answer: z.object({ interrupted: z.boolean() }),
  },
  mrpComplete: {
    method: 'POST',
    path: '/mrp/v1/complete',
    body: bodyOf(z.extend(QUESTIONS.complete, of)),
    status: 200,
    answer: ANSWERS.complete,
  },
  mrpInspect: {
    method: 'POST',
    path: '/mrp/v1/inspect',
    body: bodyOf(z.extend(QUESTIONS.inspect, of)),
    status: 200,
    answer: ANSWERS.inspect,
  },
  mrpHover: {
    method: 'POST',
    path: '/mrp/v1/hover',
    body: bodyOf(z.extend(QUESTIONS.hover, of)),
    status: 200,
    answer: ANSWERS.hover,
  },
  mrpVariables: {
    method: 'POST',
    path: '/mrp/v1/variables',
    body: bodyOf(z.extend(QUESTIONS.variables, of)),
    status: 200,
    answer: ANSWERS.variables,
  },
  mrpVariable: {
    method: 'POST',
    path: '/mrp/v1/variables/:name',
    body: bodyOf(z.extend(z.omit(QUESTIONS.variable, { name: true }), of)),
    status: 200,
    answer: ANSWERS.variable,
  },
  mrpIsComplete: {
    method: 'POST',
    path: '/mrp/v1/is_complete',
    body: bodyOf(z.extend(QUESTIONS.isComplete, of)),
    status: 200,
    answer: ANSWERS.isComplete,
  },
  mrpFormat: {
    method: 'POST',
    path: '/mrp/v1/format',
    body: bodyOf(z.extend(QUESTIONS.format, of)),
    status: 200,
    answer: ANSWERS.format,
  },
  mrpHistory: {
    method: 'POST',
    path: '/mrp/v1/history',
    body: bodyOf(
      z.object({
        session,
        n: z.optional(CountSchema),
        pattern: z.optional(z.string().check(z.maxLength(1_000))),
        before: z.optional(CountSchema),
      }),
    ),
    status: 200,
    answer: z.object({ entries: z.array(z.object({ index: CountSchema, code: z.string() })), hasMore: z.boolean() }),
  },
  /** What the code of one run put into `_assets/generated`: not part of the protocol, devices ask each other this. */
  mrpRunAssets: {
    method: 'GET',
    path: '/mrp/v1/runs/:id/assets',
    status: 200,
    answer: z.object({ assets: z.array(MrpAssetSchema).check(z.maxLength(LIMITS.mrpAssetsMax)) }),
  },
  mrpAsset: { method: 'GET', path: '/mrp/v1/assets/*', status: 200 },
} as const;
