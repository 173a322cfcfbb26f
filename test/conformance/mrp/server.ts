/** A server of the runtime protocol under test, whoever wrote it: asked over HTTP and nothing else. */
import { setTimeout as delay } from 'node:timers/promises';

export type Answer = { readonly status: number; readonly json: unknown; readonly text: string };
export type StreamEvent = { readonly event: string; readonly data: Record<string, unknown> };

export type Server = {
  /** Below it is `/mrp/v1`. */
  readonly origin: string;
  ask(path: string, body?: unknown, method?: string): Promise<Answer>;
  /** The answer's JSON; fails when it is a refusal. */
  get<T = Record<string, unknown>>(path: string, body?: unknown): Promise<T>;
  /** The events of a stream as they come; it ends with the connection. */
  stream(path: string, body: unknown, leaving?: AbortSignal): AsyncGenerator<StreamEvent>;
};

const STREAM_TIMEOUT_MS = 90_000;
/** The first execution in a language may have to start a slow interpreter. */
const ASK_TIMEOUT_MS = 60_000;

export function serverAt(url: string, token: string | undefined): Server {
  const origin = url.replace(/\/+(mrp\/v1\/?)?$/, '');
  const auth: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const send = (path: string, body: unknown, method: string, signal?: AbortSignal): Promise<Response> =>
    fetch(`${origin}/mrp/v1${path}`, {
      method,
      headers: { ...auth, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });

  const server: Server = {
    origin,
    async ask(path, body, method = body === undefined ? 'GET' : 'POST') {
      const response = await send(path, body, method, AbortSignal.timeout(ASK_TIMEOUT_MS));
      const text = await response.text();
      const isJson = response.headers.get('content-type')?.includes('json') === true;
      return { status: response.status, text, json: isJson ? (JSON.parse(text) as unknown) : undefined };
    },
    async get<T>(path: string, body?: unknown) {
      const { status, json, text } = await server.ask(path, body);
      if (status !== 200) throw new Error(`${path} answered ${status}: ${text.slice(0, 500)}`);
      return json as T;
    },
    async *stream(path, body, leaving) {
      const signal = AbortSignal.any([
        AbortSignal.timeout(STREAM_TIMEOUT_MS),
        ...(leaving === undefined ? [] : [leaving]),
      ]);
      const response = await send(path, body, 'POST', signal);
      const type = response.headers.get('content-type') ?? '';
      if (response.status !== 200 || !type.startsWith('text/event-stream') || response.body === null)
        throw new Error(`${path} answered ${response.status} ${type}: ${(await response.text()).slice(0, 500)}`);
      yield* eventsOf(response.body);
    },
  };
  return server;
}

/** HTML Standard §9.2.6: lines end with LF, CR or both; comments begin with a colon; an empty line ends an event. */
async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamEvent> {
  const decoder = new TextDecoder();
  let rest = '';
  let event = '';
  let data: string[] = [];
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield { event, data: JSON.parse(data.join('\n')) as Record<string, unknown> };
        event = '';
        data = [];
        continue;
      }
      const [, field, value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
      if (field === 'event') event = value;
      if (field === 'data') data.push(value);
    }
  }
}

/** A stream that is taken in the background, so that other things can be asked meanwhile. */
export function following(events: AsyncGenerator<StreamEvent>) {
  const seen: StreamEvent[] = [];
  let wake = Promise.withResolvers<void>();
  let over = false;
  const all = (async () => {
    try {
      for await (const event of events) {
        seen.push(event);
        wake.resolve();
        wake = Promise.withResolvers<void>();
      }
      return seen;
    } finally {
      over = true;
      wake.resolve();
    }
  })();
  all.catch(() => undefined);
  return {
    seen,
    /** All events, once it has ended. */
    all,
    /** The first event that fits. */
    async until(fits: (event: StreamEvent) => boolean, withinMs = 60_000): Promise<StreamEvent> {
      const deadline = delay(withinMs, 'late' as const, { ref: false });
      for (let at = 0; ;) {
        for (; at < seen.length; at++) {
          const event = seen[at];
          if (event !== undefined && fits(event)) return event;
        }
        if (over) await all;
        if (over || (await Promise.race([wake.promise, deadline])) === 'late')
          throw new Error(`no such event: ${JSON.stringify(seen).slice(0, 1_000)}`);
      }
    },
  };
}

export const textOf = (events: readonly StreamEvent[], name: string): string =>
  events.map(({ event, data }) => (event === name ? String(data['content']) : '')).join('');
