/**
 * One HTTP request to an attached server.
 *
 * Node's own client and not `fetch`: it follows no redirect (an attached server must not lead us anywhere else), and
 * it waits for a silent program as long as that runs.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Attached } from './attached.ts';

export type Answer = { readonly status: number; readonly type: string; readonly body: IncomingMessage };

/** A server that cannot be reached says so this soon. */
const CONNECT_MS = 10_000;
/** A connection whose other end is gone without a word is noticed. */
const KEEP_ALIVE_MS = 15_000;
const ERROR_CHARS_MAX = 500;

/** Resolves with the head of the answer. Rejects with half a sentence (`it cannot be reached (…)`). */
export function open(
  server: Attached,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body: unknown,
  signal: AbortSignal,
): Promise<Answer> {
  const url = new URL(path, server.url);
  if (!url.href.startsWith(server.url)) return Promise.reject(new Error(`it names ${url.href}, which is not its own`));
  const sent = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
      method,
      signal,
      // A connection that was kept may have ended on the other side, and code must not be sent twice to find out.
      agent: path.includes('/execute') ? false : undefined,
      headers: {
        accept: 'application/json, text/event-stream',
        ...(sent === undefined ? {} : { 'content-type': 'application/json', 'content-length': sent.length }),
        ...(server.token === null ? {} : { authorization: `Bearer ${server.token}` }),
      },
    });
    const late = setTimeout(() => request.destroy(new Error('no answer')), CONNECT_MS);
    request.once('socket', (socket) => {
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
      const connected = (): void => clearTimeout(late);
      if (socket.connecting) socket.once('connect', connected);
      else connected();
    });
    request.once('response', (response) => {
      clearTimeout(late);
      const type = (response.headers['content-type'] ?? '').split(';')[0]?.trim() ?? '';
      resolve({ status: response.statusCode ?? 0, type, body: response });
    });
    request.once('error', (cause) => {
      clearTimeout(late);
      reject(new Error(`it cannot be reached (${cause.message})`, { cause }));
    });
    request.end(sent);
  });
}

/** A whole answer, at most so many bytes. Rejects with half a sentence. */
export async function readAll({ body }: Answer, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bytesMax) {
      body.destroy();
      throw new Error(`it sent more than ${Math.round(bytesMax / 1024)} KB`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A JSON answer. Rejects with half a sentence, with what the server says of an error. */
export async function readJson(answer: Answer, bytesMax: number): Promise<Readonly<Record<string, unknown>>> {
  const text = (await readAll(answer, bytesMax)).toString('utf8');
  let parsed: unknown = null;
  try {
    parsed = JSON.parse(text);
  } catch {
    // Told below.
  }
  if (answer.status >= 300) throw new Error(`it answered ${answer.status}${reasonIn(parsed)}`);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw new Error('its answer is no JSON');
  return parsed as Readonly<Record<string, unknown>>;
}

function reasonIn(parsed: unknown): string {
  const { error, detail } = (typeof parsed === 'object' && parsed !== null ? parsed : {}) as Record<string, unknown>;
  const said = typeof error === 'object' && error !== null ? (error as Record<string, unknown>)['message'] : error;
  const reason = [said, detail].find((each) => typeof each === 'string' && each !== '');
  return reason === undefined ? '' : `: ${(reason as string).slice(0, ERROR_CHARS_MAX)}`;
}
