/**
 * Docker Engine, by its HTTP API on its own socket: the few calls that containers of sessions need, and no others.
 *
 * 1. Nothing is asked before its version is known: see `engine-version.ts`.
 * 2. An answer is bounded and parsed; what the engine says of a failure is passed on in its own words.
 */
import { IncomingMessage, request } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import { Failure } from '@markco/protocol';
import * as z from 'zod/mini';
import { apiVersionFor, VersionSchema, type EngineVersion } from './engine-version.ts';

const ANSWER_BYTES_MAX = 4 * 1024 * 1024;

export type Engine = ReturnType<typeof createEngine>;
export type Method = 'GET' | 'POST' | 'DELETE';

type Sent = { readonly body?: object | undefined; readonly file?: Readable; readonly upgrade?: true };

const ProblemSchema = z.object({ message: z.string() });

export function createEngine(socketPath: string) {
  /** As long as it answers it is the same. */
  let known: EngineVersion | null = null;

  function send(method: Method, path: string, { body, file, upgrade }: Sent, within: AbortSignal) {
    return new Promise<IncomingMessage | Duplex>((resolve, reject) => {
      const json = body === undefined ? undefined : JSON.stringify(body);
      const asked = request({
        socketPath,
        method,
        path,
        signal: within,
        headers: {
          host: 'docker',
          ...(json === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) }),
          ...(file === undefined ? {} : { 'content-type': 'application/x-tar', 'transfer-encoding': 'chunked' }),
          ...(upgrade === undefined ? {} : { connection: 'Upgrade', upgrade: 'tcp' }),
        },
      });
      asked.once('error', (cause) => {
        if (within.aborted) return reject(within.reason as Error);
        known = null;
        reject(
          new Failure('not_ready', `Docker does not answer at ${socketPath}. Start it, then try again.`, { cause }),
        );
      });
      asked.once('upgrade', (_answer, socket, head) => {
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
      });
      asked.once('response', resolve);
      if (file === undefined) asked.end(json);
      else file.on('error', (cause) => asked.destroy(cause)).pipe(asked);
    });
  }

  async function version(within: AbortSignal): Promise<EngineVersion> {
    known ??= VersionSchema.parse(parsed(await text(await send('GET', '/version', {}, within))));
    return known;
  }

  async function answer(method: Method, path: string, sent: Sent, within: AbortSignal) {
    const found = await send(method, `/v${apiVersionFor(await version(within))}${path}`, sent, within);
    if (!(found instanceof IncomingMessage)) return found;
    const status = found.statusCode ?? 500;
    if (status < 400) return found;
    const said = ProblemSchema.safeParse(parsed(await text(found)));
    const why = said.success ? said.data.message : `status ${status}`;
    throw new Failure(status === 404 ? 'not_found' : status === 409 ? 'conflict' : 'internal', `Docker: ${why}`);
  }

  return {
    /** `not_ready` when it does not answer; further calls fail with `unsupported` when it is too old or too new. */
    version,

    /** Resolves with the answer as JSON, null where there is none. `not_found`, `conflict`, `internal`. */
    async call(method: Method, path: string, within: AbortSignal, body?: object): Promise<unknown> {
      return parsed(await text(await answer(method, path, { body }, within)));
    },

    /** Sends a file; resolves with what the engine says, line by line of JSON. */
    async sendFile(path: string, file: Readable, within: AbortSignal): Promise<string> {
      return text(await answer('POST', path, { file }, within));
    },

    /** Resolves with the connection itself, which is whoever's asked from then on. */
    async open(path: string, body: object, within: AbortSignal): Promise<Duplex> {
      const found = await answer('POST', path, { body, upgrade: true }, within);
      if (found instanceof IncomingMessage) throw new Failure('internal', 'Docker did not open a stream.');
      return found;
    },
  };
}

async function text(from: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of from as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new Failure('too_large', 'Docker said more than MarkCo reads.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsed(said: string): unknown {
  try {
    return said === '' ? null : JSON.parse(said);
  } catch {
    return null;
  }
}
