/**
 * The HTTP side of the route table. Every route is mounted from the table and authorized by itself; what is not in
 * the table is the page, or does not exist.
 */
import {
  Failure,
  LIMITS,
  requireRoute,
  ROUTES,
  SHARE_QUERY,
  UUID_PATTERN,
  type FailureCode,
  type OwnerOf,
  type Route,
  type RouteName,
} from '@markco/protocol';
import { getRequestListener } from '@hono/node-server';
import type { HttpBindings } from '@hono/node-server';
import { Hono, type Context, type Env as HonoEnv } from 'hono';
import type { RequestListener } from 'node:http';
import { addressOf } from './address.ts';
import type { Guard, Subject } from './guard.ts';
import type { Handlers, WithStatus } from './handlers.ts';

export type HttpParts = {
  readonly guard: Guard;
  readonly handlers: Partial<Handlers>;
  /** Whose the project is that an address names. */
  readonly ownerOf: OwnerOf;
  /** Throws for who asks for something too often, before anything else is looked at. */
  readonly limit?: (name: RouteName, from: string) => void;
  /** Answers what is no route. */
  readonly page: (path: string, method: string) => Promise<Response>;
  readonly onError: (route: string, error: unknown) => void;
};

type Env = { Bindings: HttpBindings };
type AnyHandler = (input: {
  subject: Subject | null;
  params: Record<string, string>;
  body: unknown;
  query: unknown;
  request: Request;
  from: string;
  signal: AbortSignal;
}) => unknown;

/** Answers as a 5xx that mean no trouble of this device: nobody has to look into them. */
const REFUSALS: readonly FailureCode[] = ['not_ready', 'unsupported', 'barrier_timeout'];

/** RFC 9562 §5.9: the id of nothing. */
const NIL_ID = '00000000-0000-0000-0000-000000000000';

export function createHttp({ guard, handlers, ownerOf, limit, page, onError }: HttpParts): RequestListener {
  const app = new Hono<Env>({ strict: false });

  app.use(async (context, next) => {
    const isPage = !isApiPath(context.req.path) && (context.req.method === 'GET' || context.req.method === 'HEAD');
    const foreign = guard.foreign(context.env.incoming.headers, isPage);
    if (foreign !== undefined) return failed(context, foreign);
    await next();
    context.res.headers.set('x-content-type-options', 'nosniff');
    context.res.headers.set('referrer-policy', 'no-referrer');
    context.res.headers.set('cross-origin-opener-policy', 'same-origin');
    context.res.headers.set('cross-origin-resource-policy', 'same-origin');
    return undefined;
  });

  const fromOf = ({ env: { incoming } }: Context<Env>): string =>
    addressOf(incoming.socket.remoteAddress, incoming.headers['x-forwarded-for']);
  const admit = (context: Context<Env>, name: RouteName, params: Readonly<Record<string, string>>): Subject | null => {
    limit?.(name, fromOf(context));
    const route: Route = ROUTES[name];
    const share = context.req.query(SHARE_QUERY);
    const named = share === undefined ? undefined : new URLSearchParams({ [SHARE_QUERY]: share });
    const subject = route.open === true ? null : guard.subject(context.env.incoming.headers, named);
    requireRoute(name, subject, params, ownerOf);
    return subject;
  };
  mountRoutes(app, handlers, onError, admit, fromOf);

  app.all('*', async (context) => {
    if (isApiPath(context.req.path)) {
      return failed(context, new Failure('not_found', `There is no ${context.req.method} ${context.req.path} here.`));
    }
    return page(context.req.path, context.req.method);
  });
  const listener = getRequestListener((request, env) => app.fetch(request, env as HttpBindings), {
    overrideGlobalObjects: false,
  });
  // It answers every failure itself: what it returns never rejects.
  return (incoming, outgoing) => void listener(incoming, outgoing);
}

/** The routes that there are handlers for. `admit` says who asks, where that counts, and throws for who may not. */
export function mountRoutes<E extends HonoEnv>(
  app: Hono<E>,
  handlers: Partial<Handlers>,
  onError: HttpParts['onError'],
  admit: (context: Context<E>, name: RouteName, params: Readonly<Record<string, string>>) => Subject | null,
  fromOf: (context: Context<E>) => string = () => '',
): void {
  for (const name of Object.keys(ROUTES) as RouteName[]) {
    const route: Route = ROUTES[name];
    const handler = handlers[name] as AnyHandler | undefined;
    if (handler === undefined) continue;
    app.on(route.method, route.path, async (context) => {
      try {
        const params = readParams(context);
        const subject = admit(context, name, params);
        const answer = await handler({
          subject,
          params,
          body: await readBody(context, route),
          query: readQuery(context, route),
          request: context.req.raw,
          from: fromOf(context),
          signal: context.req.raw.signal,
        });
        return respond(context, route, answer);
      } catch (error) {
        const failure = Failure.from(error);
        if (failure.status >= 500 && !REFUSALS.includes(failure.code)) onError(`${route.method} ${route.path}`, error);
        return failed(context, failure);
      }
    });
  }
}

/** What is never the page, whether it exists or not. */
export function isApiPath(path: string): boolean {
  return /^\/(api|sync|mrp|health|stats|metrics|operator)(\/|$)/.test(path);
}

async function readBody(context: Context, route: Route): Promise<unknown> {
  const max = route.rawBody === true ? LIMITS.assetBytesMax : LIMITS.documentTextBytesMax + 1024;
  if (route.body === undefined && route.rawBody !== true) return undefined;
  const declared = Number(context.req.header('content-length') ?? 0);
  if (declared > max * DRAINED) throw tooLarge(max);
  // A handler of raw bytes reads them itself, as they come.
  if (route.body === undefined) return undefined;
  if (!/^application\/json\b/i.test(context.req.header('content-type') ?? '')) {
    throw new Failure('bad_request', 'Send the body as `Content-Type: application/json`.');
  }
  const text = new TextDecoder().decode(await readCapped(context.req.raw, max));
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new Failure('bad_request', 'The body is no JSON.', { cause });
  }
  return parse(route.body, json, 'body');
}

/** What is no id names nothing: it is answered like an id that is not here, and never reaches a key or a file name. */
function readParams(context: Context): Record<string, string> {
  const params: Record<string, string> = { ...context.req.param() };
  for (const name of ['id', 'documentId'])
    if (name in params && !UUID_PATTERN.test(params[name] ?? '')) params[name] = NIL_ID;
  return params;
}

function readQuery(context: Context, route: Route): unknown {
  const { [SHARE_QUERY]: _, ...query } = context.req.query();
  return route.query === undefined ? undefined : parse(route.query, query, 'query');
}

function parse(schema: NonNullable<Route['body']>, value: unknown, where: string): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue === undefined || issue.path.length === 0 ? where : `\`${issue.path.join('.')}\``;
  throw new Failure('bad_request', `${field}: ${issue?.message ?? 'not understood'}. Nothing was changed.`);
}

/** So many times what is allowed is read and dropped: who is cut off while sending sees a broken connection, not why. */
const DRAINED = 4;

/** The whole body, or a Failure when it is larger than `max` bytes; no more than that is kept. */
export async function readCapped(request: Request, max: number): Promise<Uint8Array> {
  let chunks: Uint8Array[] = [];
  let size = 0;
  if (request.body === null) return new Uint8Array();
  for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > max * DRAINED) throw tooLarge(max);
    if (size > max) chunks = [];
    else chunks.push(chunk);
  }
  if (size > max) throw tooLarge(max);
  return new Uint8Array(Buffer.concat(chunks));
}

function tooLarge(max: number): Failure {
  return new Failure(
    'too_large',
    `The body is larger than ${Math.floor(max / (1024 * 1024))} MiB. Nothing was changed.`,
  );
}

function respond(context: Context, route: Route, answer: unknown): Response {
  if (answer instanceof Response) return answer;
  context.header('cache-control', 'no-store');
  if (answer === undefined) return context.body(null, 204);
  if (hasStatus(answer)) return context.json(answer.answer, answer.status);
  return context.json(answer, route.status as 200);
}

function hasStatus(answer: unknown): answer is WithStatus<object> {
  return typeof answer === 'object' && answer !== null && 'status' in answer && 'answer' in answer;
}

function failed(context: Context, failure: Failure): Response {
  // What was not read of a body would be taken for the next request; the connection ends here, and says so.
  if (failure.code === 'too_large') context.header('connection', 'close');
  context.header('cache-control', 'no-store');
  return context.json(failure.toBody(), failure.status as 400);
}
