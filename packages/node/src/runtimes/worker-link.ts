/**
 * The connection of a host to the worker of a session: lines of JSON over a unix socket.
 *
 * Host → worker: `execute {run, code, spool}`, `interrupt {run, why?}`, `notice {run, text}`,
 * `input {run, text, ref}`, `ask {ref, kind, question}`, `save {ref, path}` and `restore {ref, path}` of the values.
 * Worker → host: `hello` on connecting, `spooled` when a run's spool has grown or ended (the host
 * reads the events from the spool itself), `answered` to an input, `told` to a question, `refused` when a run
 * cannot start, `trouble` when its disk is full.
 *
 * 1. A worker runs user code: what it says is parsed and bounded; a wrong line ends the connection.
 * 2. A new connection takes over from the one before.
 * 3. Questions are answered while a run is on, as far as the interpreter can, and in any order.
 */
import { createConnection, type Socket } from 'node:net';
import { Failure, LIMITS, RunIdSchema, type QuestionKind, type RunId } from '@markco/protocol';
import * as z from 'zod/mini';

/** An answer, each character of it escaped. */
const LINE_CHARS_MAX = 6 * LIMITS.answerBytesMax;
const message = z.string().check(z.maxLength(10_000));
const count = z.number().check(z.int(), z.minimum(0));

const HelloSchema = z.strictObject({
  event: z.literal('hello'),
  version: z.literal(1),
  pid: count,
  run: z.nullable(RunIdSchema),
  python: z.optional(z.string().check(z.maxLength(100))),
});
const WorkerEventSchema = z.discriminatedUnion('event', [
  HelloSchema,
  z.strictObject({
    event: z.literal('spooled'),
    run: RunIdSchema,
    bytes: count,
    ended: z.boolean(),
    /** How many bytes of the session's files `fd1` and `fd2` are in the spool. */
    beside: z.tuple([count, count]),
  }),
  z.strictObject({ event: z.literal('answered'), ref: count, accepted: z.boolean() }),
  /** `answer`, or in `problem` a sentence that says why there is none. */
  z.strictObject({
    event: z.literal('told'),
    ref: count,
    answer: z.optional(z.unknown()),
    problem: z.optional(message),
  }),
  z.strictObject({ event: z.literal('refused'), run: RunIdSchema, message }),
  z.strictObject({ event: z.literal('trouble'), run: z.nullable(RunIdSchema), message }),
]);
export type WorkerHello = z.infer<typeof HelloSchema>;
export type WorkerEvent = z.infer<typeof WorkerEventSchema>;

export type WorkerOrder =
  | { readonly op: 'execute'; readonly run: RunId; readonly code: string; readonly spool: string }
  /** Goes with a SIGINT: one that comes before the code has begun is given again then. `why`: its time is over. */
  | { readonly op: 'interrupt'; readonly run: RunId; readonly why?: string }
  /** Goes into the run's output as a line of stderr. */
  | { readonly op: 'notice'; readonly run: RunId; readonly text: string }
  | { readonly op: 'input'; readonly run: RunId; readonly text: string; readonly ref: number }
  /** Of the values of a session without a run; `source`: the device that they come from. `told` is the answer. */
  | { readonly op: 'save' | 'restore'; readonly path: string; readonly ref: number; readonly source?: string }
  | { readonly op: 'ask'; readonly kind: QuestionKind; readonly question: unknown; readonly ref: number };

export type WorkerLink = {
  readonly hello: WorkerHello;
  send(order: WorkerOrder): void;
  /** Lets go of the worker, which goes on. */
  close(): void;
  /** Resolves when the connection is over, whoever ended it. */
  readonly closed: Promise<void>;
};

/**
 * Connects and waits for the worker's hello; a worker in the middle of C code may take its time.
 * `not_found` when nobody listens there. An abort closes the connection, the worker goes on.
 */
export async function connectWorker(
  path: string,
  onEvent: (event: WorkerEvent) => void,
  signal: AbortSignal,
): Promise<WorkerLink> {
  signal.throwIfAborted();
  const socket = createConnection({ path });
  const abort = (): void => void socket.destroy(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  try {
    const hello = await new Promise<WorkerHello>((resolve, reject) => {
      socket.on('error', (cause) => reject(new Failure('not_found', 'The session does not answer.', { cause })));
      socket.once('close', () => reject(new Failure('not_found', 'The session closed the connection.')));
      readLines(socket, (event) => (event.event === 'hello' ? resolve(event) : onEvent(event)));
    });
    return {
      hello,
      send: (order) => void socket.write(`${JSON.stringify(order)}\n`),
      close: () => void socket.destroy(),
      closed,
    };
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function readLines(socket: Socket, onEvent: (event: WorkerEvent) => void): void {
  let waiting = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    const lines = (waiting + chunk).split('\n');
    waiting = lines.pop() ?? '';
    if (waiting.length > LINE_CHARS_MAX) socket.destroy();
    for (const line of lines) {
      const event = parse(line);
      if (event === null) return void socket.destroy();
      onEvent(event);
    }
  });
}

function parse(line: string): WorkerEvent | null {
  try {
    return WorkerEventSchema.parse(JSON.parse(line));
  } catch {
    return null;
  }
}
