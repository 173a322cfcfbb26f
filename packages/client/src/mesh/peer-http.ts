/**
 * A request and its answer on a stream between two devices: the routes of a device, for its user's other devices.
 *
 *   request := text {method, path, headers}  bytes…  text {end: true}
 *   answer  := text {status, headers}        bytes…  text {end: true}
 *
 * The path is one of the other device's own routes: nothing in it can name a host or a port.
 */
import { Failure, LIMITS } from '@markco/protocol';
import * as z from 'zod/mini';
import type { MessageStream } from '@markco/protocol/message-stream';

const ANSWER_MS = 60_000;
const CHUNK_BYTES = 64 * 1024;
/** What is passed on of a request: nothing by which a device could be taken for a page or a person. */
const PASSED = ['content-type', 'accept', 'if-none-match'];

const HeadersSchema = z.record(z.string().check(z.maxLength(100)), z.string().check(z.maxLength(4_096)));
const RequestSchema = z.object({
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']),
  path: z.string().check(z.maxLength(4_096), z.regex(/^\/[^/\\]/)),
  headers: HeadersSchema,
});
const AnswerSchema = z.object({ status: z.int().check(z.minimum(200), z.maximum(599)), headers: HeadersSchema });
const END = JSON.stringify({ end: true });

/** `fetch` of another device. Rejects with `not_ready` when it is not connected. */
export function peerFetch(open: (signal: AbortSignal) => Promise<MessageStream>): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const url = new URL(request.url);
    const signal = AbortSignal.any([request.signal, AbortSignal.timeout(ANSWER_MS)]);
    const stream = await open(signal);
    const body = createBody(stream, signal);
    const head = new Promise<z.infer<typeof AnswerSchema>>((resolve, reject) => {
      stream.onMessage((message) => {
        if (typeof message !== 'string') return body.push(message);
        if (message === END) return body.end();
        const parsed = AnswerSchema.safeParse(parseJson(message));
        if (parsed.success) resolve(parsed.data);
        else
          stream.abort(new Failure('bad_request', 'The other device answered in a form this version does not know.'));
      });
      stream.onClose((why) => {
        reject(why ?? new Failure('not_ready', 'The other device ended the connection.', { retryable: true }));
        body.fail(why);
      });
      // One that answers nothing does not end its side of the stream either.
      const onAbort = (): void => reject(new Failure('not_ready', 'The other device did not answer in time.'));
      signal.addEventListener('abort', onAbort, { once: true });
    });
    const headers = Object.fromEntries([...request.headers].filter(([name]) => PASSED.includes(name)));
    stream.sendText(JSON.stringify({ method: request.method, path: url.pathname + url.search, headers }));
    await sendBody(stream, request.body);
    const { status, headers: answered } = await head;
    const isEmpty = status === 204 || status === 304;
    return new Response(isEmpty ? null : body.stream, { status, headers: answered });
  };
}

/** Answers one request of another device. */
export function servePeerRequest(
  stream: MessageStream,
  handle: (request: Request) => Response | Promise<Response>,
): void {
  const closed = new AbortController();
  const body = createBody(stream, closed.signal);
  stream.onClose((why) => {
    closed.abort();
    body.fail(why);
  });
  stream.onMessage((message) => {
    if (typeof message !== 'string') return body.push(message);
    if (message === END) return body.end();
    const parsed = RequestSchema.safeParse(parseJson(message));
    if (!parsed.success) return stream.abort(new Failure('bad_request', 'The request is not understood.'));
    const { method, path, headers } = parsed.data;
    const hasBody = method !== 'GET';
    const request = new Request(`http://device${path}`, {
      method,
      headers,
      signal: closed.signal,
      ...(hasBody ? { body: body.stream, duplex: 'half' } : {}),
    } as RequestInit);
    void answer(stream, request, handle);
  });
}

async function answer(
  stream: MessageStream,
  request: Request,
  handle: (request: Request) => Response | Promise<Response>,
): Promise<void> {
  try {
    const response = await handle(request);
    stream.sendText(JSON.stringify({ status: response.status, headers: Object.fromEntries(response.headers) }));
    await sendBody(stream, response.body);
    stream.close();
  } catch (error) {
    stream.abort(Failure.from(error));
  }
}

async function sendBody(stream: MessageStream, body: ReadableStream<Uint8Array> | null): Promise<void> {
  for await (const chunk of body ?? []) {
    for (let at = 0; at < chunk.length; at += CHUNK_BYTES) {
      stream.sendBytes(chunk.subarray(at, at + CHUNK_BYTES));
      if (stream.waiting() > LIMITS.socketBacklogBytesMax) await drained(stream);
    }
  }
  stream.sendText(END);
}

function drained(stream: MessageStream): Promise<void> {
  return new Promise((resolve) => {
    stream.onDrain(resolve);
    stream.onClose(() => resolve());
  });
}

/** What comes, as a stream; more than a socket may hold and is not read ends the request. */
function createBody(stream: MessageStream, signal: AbortSignal) {
  let controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  let isOver = false;
  const readable = new ReadableStream<Uint8Array>(
    {
      start: (made) => void (controller = made),
      cancel: () => stream.close(),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: LIMITS.socketBacklogBytesMax }),
  );
  signal.addEventListener('abort', () => stream.close());
  return {
    stream: readable,
    push(chunk: Uint8Array): void {
      if (isOver || controller === null) return;
      controller.enqueue(chunk);
      if ((controller.desiredSize ?? 0) < -LIMITS.assetBytesMax)
        stream.abort(new Failure('too_large', 'More came than is read here.'));
    },
    end(): void {
      if (isOver) return;
      isOver = true;
      controller?.close();
    },
    fail(why: Failure | null): void {
      if (isOver) return;
      isOver = true;
      controller?.error(why ?? new Failure('not_ready', 'The other device ended the connection.'));
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
