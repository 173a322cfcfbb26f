/** Calls of the route table over `fetch`: parameters, bodies and answers typed by the table itself. */
import type { FailureCode, RouteName } from '@markco/protocol';
import { Failure, FAILURE_STATUS } from '@markco/protocol/failure';
import { ROUTES } from '@markco/protocol/api/routes';
import { SHARE_HEADER } from '@markco/protocol/api/share-routes';
import type * as z from 'zod/mini';

type Table = typeof ROUTES;
type ParamNames<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParamNames<Rest>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never;
type Params<Path extends string> = [ParamNames<Path>] extends [never]
  ? object
  : { params: Record<ParamNames<Path>, string> };
type Body<R> = R extends { body: infer B extends z.ZodMiniType }
  ? { body: z.input<B> }
  : R extends { rawBody: true }
    ? { bytes: Blob | Uint8Array<ArrayBuffer> }
    : object;
type Query<R> = R extends { query: infer Q extends z.ZodMiniType } ? { query?: z.input<Q> } : object;

export type CallInput<N extends RouteName> = Params<Table[N]['path']> &
  Body<Table[N]> &
  Query<Table[N]> & { signal?: AbortSignal };
export type CallAnswer<N extends RouteName> = Table[N] extends { answer: infer A extends z.ZodMiniType }
  ? z.output<A>
  : undefined;
export type Api = <N extends RouteName>(name: N, input: CallInput<N>) => Promise<CallAnswer<N>>;

type AnyInput = {
  readonly params?: Record<string, string>;
  readonly body?: unknown;
  readonly bytes?: Blob | Uint8Array<ArrayBuffer>;
  readonly query?: Record<string, string | undefined>;
  readonly signal?: AbortSignal;
};

export type ApiParts = {
  readonly fetch: typeof fetch;
  /** `http://localhost:7717`, or empty for the page's own origin. */
  readonly origin: string;
  /** Absent where a cookie does the job. */
  readonly token?: string;
  /** Of a guest: the link that it came by. */
  readonly share?: string;
};

/** Fails with the device's own `Failure`, or `not_ready` when nobody answers. */
export function createApi(parts: ApiParts): Api {
  return async (name, input) => {
    const route = ROUTES[name];
    const { params, body, bytes, query, signal }: AnyInput = input;
    let path: string = route.path;
    for (const [key, value] of Object.entries(params ?? {})) path = path.replace(`:${key}`, encodeURIComponent(value));
    const search = new URLSearchParams();
    for (const [key, value] of Object.entries(query ?? {})) if (value !== undefined) search.set(key, value);
    const suffix = search.size > 0 ? `?${search}` : '';
    const headers: Record<string, string> = {};
    if (parts.token !== undefined) headers['authorization'] = `Bearer ${parts.token}`;
    if (parts.share !== undefined) headers[SHARE_HEADER] = parts.share;
    if (body !== undefined) headers['content-type'] = 'application/json';
    let response: Response;
    try {
      response = await parts.fetch(`${parts.origin}${path}${suffix}`, {
        method: route.method,
        headers,
        ...(body === undefined ? (bytes === undefined ? {} : { body: bytes }) : { body: JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (cause) {
      if (signal?.aborted === true) throw cause;
      // Who asks another device is told which one it is.
      const isTold = cause instanceof Failure && cause.code === 'not_ready';
      const message = isTold
        ? cause.message
        : 'This device does not answer. Start it with `markco up`, then try again.';
      throw new Failure('not_ready', message, { cause, retryable: true });
    }
    if (!response.ok) throw await failureOf(response);
    if (!('answer' in route)) return undefined as CallAnswer<typeof name>;
    const parsed = route.answer.safeParse(await response.json());
    if (!parsed.success)
      throw new Failure('internal', 'The device answered in a form this version does not know. Upgrade both.', {
        cause: parsed.error,
      });
    return parsed.data as CallAnswer<typeof name>;
  };
}

async function failureOf(response: Response): Promise<Failure> {
  const fallback = new Failure('internal', `The device answered ${response.status} without saying why.`);
  try {
    const body: unknown = await response.json();
    if (typeof body !== 'object' || body === null || !('error' in body)) return fallback;
    const { error } = body;
    if (typeof error !== 'object' || error === null || !('code' in error) || !('message' in error)) return fallback;
    if (typeof error.code !== 'string' || typeof error.message !== 'string' || !(error.code in FAILURE_STATUS))
      return fallback;
    return new Failure(error.code as FailureCode, error.message);
  } catch {
    return fallback;
  }
}
