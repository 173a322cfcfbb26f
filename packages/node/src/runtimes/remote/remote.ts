/**
 * An attached server as a session's interpreter, in the MRMD Runtime Protocol.
 *
 * 1. Events are taken in order, one at a time: an asset is fetched before what was printed after it.
 * 2. A run ends whatever becomes of the server: with what it says, or with an error that says that it went away.
 * 3. The server's state is its own. It outlives our connection, and we end only the server's session that we began, when ours is
 *    begun anew or removed.
 */
import path from 'node:path';
import type { QuestionKind } from '@markco/protocol';
import type { Interpreter, InterpreterOptions, LastWord, Sink, StartInterpreter } from '../keeper/interpreter.ts';
import { findAttached, type Attached } from './attached.ts';
import { ENDPOINTS, replyOf } from './replies.ts';
import { open, readAll, readJson } from './request.ts';
import { readServerEvents, type ServerEvent } from './server-events.ts';
import { noteServerSession } from './server-session.ts';

type Json = Readonly<Record<string, unknown>>;
type ErrorPayload = Extract<LastWord, { type: 'error' }>['payload'];

const API = 'mrp/v1/';
const START_MS = 15_000;
/** A server that was asked to stop a run does so this soon, or the run ends without it. */
const STOPS_MS = 1_500;
const ASK_MS = 30_000;
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
/** Of an `/execute` answer with all its displays. */
const RESULT_BYTES_MAX = 32 * 1024 * 1024;
/** As base64 it must fit into one run event. */
const ASSET_BYTES_MAX = 650 * 1024;
const ASSETS_MAX = 100;

export const startRemote: StartInterpreter = async (options, sink, signal) => {
  const server = await findAttached(options.executable);
  const { name } = server;
  const starting = AbortSignal.any([signal, AbortSignal.timeout(START_MS)]);
  const failed = (cause: unknown): Error =>
    new Error(`The attached runtime ${name} did not start: ${sentence(cause)}`, { cause });
  let capabilities: Json;
  try {
    capabilities = await readJson(
      await open(server, 'GET', `${API}capabilities`, undefined, starting),
      ANSWER_BYTES_MAX,
    );
  } catch (cause) {
    throw failed(cause);
  }
  const session = await beginSession(server, options, starting);
  return createRemote(server, capabilities, session, sink);
};

/** A fresh session of our own where the server has such; else our name for it, which servers without ignore. */
async function beginSession(
  server: Attached,
  { folder, executable }: Pick<InterpreterOptions, 'folder' | 'executable'>,
  signal: AbortSignal,
): Promise<string> {
  const id = `markco-${path.basename(folder)}`;
  let session: string;
  try {
    const before = await open(server, 'DELETE', `${API}sessions/${encodeURIComponent(id)}`, undefined, signal);
    before.body.resume();
    const made = await readJson(
      await open(server, 'POST', `${API}sessions`, { id, language: server.language }, signal),
      ANSWER_BYTES_MAX,
    );
    session = typeof made['id'] === 'string' ? made['id'] : id;
  } catch {
    signal.throwIfAborted();
    return id;
  }
  await noteServerSession(folder, { executable, session });
  return session;
}

function createRemote(server: Attached, capabilities: Json, session: string, sink: Sink): Interpreter {
  const features = isMap(capabilities['features']) ? capabilities['features'] : {};
  let asked: string | null = null;
  /** Resolves when what is printed can be kept again: until then nothing more is read, and the server has to wait. */
  let gate = Promise.withResolvers<void>();
  gate.resolve();
  /** Gives up the run that is on, which goes on at the server if that does not stop it. */
  let giveUp: AbortController | null = null;

  async function post(endpoint: string, body: Json, signal: AbortSignal, bytesMax = ANSWER_BYTES_MAX): Promise<Json> {
    return readJson(await open(server, 'POST', `${API}${endpoint}`, { session, ...body }, signal), bytesMax);
  }

  /** What goes on beside a run and may fail: the run goes on, and its output says so. */
  function beside(what: string, endpoint: string, body: Json): void {
    post(endpoint, body, AbortSignal.timeout(ASK_MS)).then(
      (told) => {
        if (told['accepted'] === false) sink.text('stderr', `[${server.name} did not take ${what}]\n`);
      },
      (error: unknown) => sink.text('stderr', `[${server.name} did not take ${what}: ${sentence(error)}]\n`),
    );
  }

  /** What was streamed is in the result a second time. */
  function createRun() {
    let texts = 0;
    let displays = 0;
    let assets = 0;
    let last: LastWord | null = null;

    async function asset(written: Json): Promise<void> {
      assets += 1;
      if (assets > ASSETS_MAX) return;
      sink.display({ data: await fetchAsset(server, written), metadata: {} });
    }

    async function finish(result: Json): Promise<void> {
      if (texts === 0)
        for (const stream of ['stdout', 'stderr'] as const)
          if (typeof result[stream] === 'string' && result[stream] !== '') sink.text(stream, result[stream]);
      for (const each of listOf(result['displayData']).slice(displays)) show(each);
      for (const each of listOf(result['assets']).slice(assets)) await asset(each);
      const { success, error, result: text } = result;
      last =
        isMap(error) || success === false
          ? { type: 'error', payload: errorOf(isMap(error) ? error : {}) }
          : { type: 'result', data: typeof text === 'string' ? { 'text/plain': text } : null };
    }

    function show({ data, metadata }: Json): void {
      displays += 1;
      if (isMap(data)) sink.display({ data, metadata: isMap(metadata) ? metadata : {} });
    }

    async function take({ event, data: written }: ServerEvent): Promise<void> {
      const data = parse(written);
      if (data === null) return;
      if (event === 'stdout' || event === 'stderr') {
        texts += 1;
        if (typeof data['content'] === 'string') sink.text(event, data['content']);
      } else if (event === 'display') show(data);
      else if (event === 'asset') await asset(data);
      else if (event === 'stdin_request') {
        // The protocol says `exec_id`; servers in the field say `execId` as everywhere else.
        asked = String(data['exec_id'] ?? data['execId'] ?? '');
        sink.ask({ prompt: String(data['prompt'] ?? ''), password: data['password'] === true });
      } else if (event === 'result') await finish(data);
      else if (event === 'error') last = { type: 'error', payload: errorOf(data) };
    }
    return { take, finish, last: () => last };
  }

  async function execute(run: string, code: string): Promise<LastWord> {
    const current = createRun();
    const body = { code, session, storeHistory: true, execId: run };
    const until = new AbortController();
    giveUp = until;
    try {
      if (features['executeStream'] === false) {
        await current.finish(await post('execute', body, until.signal, RESULT_BYTES_MAX));
      } else {
        const answer = await open(server, 'POST', `${API}execute/stream`, body, until.signal);
        if (answer.status !== 200 || answer.type !== 'text/event-stream') {
          await readJson(answer, ANSWER_BYTES_MAX);
          throw new Error(`it answered with ${answer.type || 'nothing'} instead of events`);
        }
        for await (const event of readServerEvents(answer.body as AsyncIterable<Buffer>)) {
          if (event.event === 'done') break;
          await gate.promise;
          await current.take(event);
        }
      }
    } catch (error) {
      if (until.signal.aborted) return notStopped();
      return current.last() ?? lost(sentence(error));
    }
    return current.last() ?? lost('it ended the connection before the run was over.');
  }

  function notStopped(): LastWord {
    const message = `${server.name} was asked to stop the run and has not. It may still go on there; its output is no longer kept.`;
    return { type: 'error', payload: { type: 'Interrupted', message, traceback: [] } };
  }

  function lost(why: string): LastWord {
    const message = `The attached runtime ${server.name} did not finish the run: ${why} What it had printed is kept.`;
    return { type: 'error', payload: { type: 'RuntimeLost', message, traceback: [] } };
  }

  return {
    version: [capabilities['runtime'], capabilities['version']].filter((part) => typeof part === 'string').join(' '),
    async execute(run, code) {
      try {
        return await execute(run, code);
      } finally {
        giveUp = null;
        asked = null;
      }
    },
    interrupt() {
      asked = null;
      const given = giveUp;
      if (given === null) return;
      beside('the interrupt', 'interrupt', {});
      setTimeout(() => given.abort(), STOPS_MS).unref();
    },
    input(text) {
      if (asked === null) return false;
      beside('the answer', 'input', { exec_id: asked, text: `${text}\n` });
      asked = null;
      return true;
    },
    async ask(kind, question) {
      const { path: endpoint, feature } = ENDPOINTS[kind];
      if (features[feature] !== true) throw new Error(`${server.name} does not answer this.`);
      try {
        return replyOf(
          kind,
          await post(
            endpointOf(kind, endpoint, question, session),
            bodyOf(kind, question),
            AbortSignal.timeout(ASK_MS),
          ),
        );
      } catch (cause) {
        throw new Error(`${server.name} has no answer: ${sentence(cause)}`, { cause });
      }
    },
    // It is not ours to end, and a run says when it is away.
    gone: new Promise(() => undefined),
    close: () => undefined,
    pause: () => void (gate = Promise.withResolvers()),
    resume: () => gate.resolve(),
  };
}

function endpointOf(kind: QuestionKind, endpoint: string, question: unknown, session: string): string {
  if (kind === 'variable') return `${endpoint}${encodeURIComponent(String((question as Json)['name']))}`;
  return kind === 'reset' ? `sessions/${encodeURIComponent(session)}/reset` : endpoint;
}

function bodyOf(kind: QuestionKind, question: unknown): Json {
  const { name, ...rest } = question as Json;
  return kind === 'variable' || name === undefined ? rest : { name, ...rest };
}

/** The file as a bundle, or a text that says why it is not there. */
async function fetchAsset(server: Attached, { url, path: name, mimeType }: Json): Promise<Record<string, unknown>> {
  const label = String(name ?? url ?? 'file').slice(0, 200);
  const mime = typeof mimeType === 'string' && mimeType.length <= 200 ? mimeType : 'application/octet-stream';
  try {
    const answer = await open(server, 'GET', assetPath(server, url, name), undefined, AbortSignal.timeout(ASK_MS));
    if (answer.status !== 200) {
      answer.body.resume();
      throw new Error(`it answered ${answer.status}`);
    }
    const bytes = await readAll(answer, ASSET_BYTES_MAX);
    const isText = mime.startsWith('text/') || mime === 'image/svg+xml';
    if (mime === 'application/json') return { [mime]: JSON.parse(bytes.toString('utf8')) as unknown };
    return { [mime]: bytes.toString(isText ? 'utf8' : 'base64'), ...(isText ? {} : { 'text/plain': `[${label}]` }) };
  } catch (error) {
    return { 'text/plain': `[${label} of ${server.name} is left out: ${sentence(error)}]` };
  }
}

/** Whatever address is named: only the path of an asset of this server. */
function assetPath(server: Attached, url: unknown, name: unknown): string {
  const named = typeof url === 'string' ? URL.parse(url, server.url) : null;
  const marker = `/${API}assets/`;
  const at = named?.pathname.lastIndexOf(marker) ?? -1;
  const rest = at >= 0 && named !== null ? named.pathname.slice(at + marker.length) : encodeURI(String(name ?? ''));
  const all = new URL(`${API}assets/`, server.url).href;
  if (!new URL(`${API}assets/${rest}`, server.url).href.startsWith(all)) throw new Error('it is no asset of its own');
  return `${API}assets/${rest}`;
}

function errorOf({ type, message, traceback }: Json): ErrorPayload {
  const lines = Array.isArray(traceback) ? traceback : [];
  return {
    type: typeof type === 'string' && type !== '' ? type : 'Error',
    message: typeof message === 'string' ? message : '',
    traceback: lines.flatMap((part) =>
      String(part)
        .replace(/\r?\n$/, '')
        .split(/\r?\n/),
    ),
  };
}

function listOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.slice(0, 1_000).filter(isMap) : [];
}

function parse(text: string): Json | null {
  try {
    const parsed: unknown = JSON.parse(text);
    return isMap(parsed) ? parsed : null;
  } catch {
    return null; // Garbage between good events is passed over.
  }
}

function isMap(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What `request.ts` and `server-events.ts` reject with, and what Node does, as the end of a sentence. */
function sentence(error: unknown): string {
  const said = error instanceof Error ? error.message : String(error);
  const isCut = (error as NodeJS.ErrnoException).code === 'ECONNRESET';
  const text = isCut ? 'the connection was cut' : said;
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
