/**
 * The bytes of one file on one stream of `/markco/assets/1.0.0`.
 *
 *   asker → holder   text {op: 'get', projectId, hash, from}      once
 *   holder → asker   text {op: 'have', size} | {op: 'absent'}
 *                    bytes …                                      from `from` on, in order
 *   asker → holder   text {op: 'taken', bytes}                    how far it is on the asker's disk, now and then
 *
 * The holder is never more than WINDOW_BYTES ahead of what was taken: a slow disk fills no memory, neither here nor there.
 */
import { Failure, ProjectIdSchema, type ProjectId } from '@markco/protocol';
import type { FileHandle } from 'node:fs/promises';
import * as z from 'zod/mini';
import type { MessageStream } from '@markco/replica/replicate/message-stream';
import { openToRead } from './inside.ts';
import type { AssetList } from './list.ts';
import type { Part } from './part.ts';
import type { AssetRow } from './row.ts';

export const ASSETS = '/markco/assets/1.0.0';
/** The largest message: a piece of a file. */
export const ASSET_MESSAGE_BYTES_MAX = 512 * 1024;
const PIECE_BYTES = 256 * 1024;
/** What is read at once; while it is sent the next is read. */
const BLOCK_BYTES = 1024 * 1024;
const WINDOW_BYTES = 8 * 1024 * 1024;
const TAKEN_EVERY_BYTES = 2 * 1024 * 1024;
/** What waits in the stream itself; the window is for what is on its way. */
const QUEUED_BYTES_MAX = 2 * 1024 * 1024;
/** A holder that sends nothing for so long is given up. */
const SILENT_MS = 10_000;

const bytes = z.int().check(z.nonnegative());
const AskSchema = z.object({
  op: z.literal('get'),
  projectId: ProjectIdSchema,
  hash: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
  from: bytes,
});
const TakenSchema = z.object({ op: z.literal('taken'), bytes });
const AnswerSchema = z.discriminatedUnion('op', [
  z.object({ op: z.literal('have'), size: bytes }),
  z.object({ op: z.literal('absent') }),
]);

/** `whole`: as many bytes as there should be are there; whether they are the right ones is the asker's to see. */
export type Pulled = 'absent' | 'cut' | 'wrong' | 'whole';

/**
 * Asks for what a part still lacks, and appends it.
 * @param onBytes told after what came was appended
 * Rejects when it cannot be written here.
 */
export async function pull(
  stream: MessageStream,
  { projectId, row, part }: { readonly projectId: ProjectId; readonly row: AssetRow; readonly part: Part },
  onBytes: () => void,
  signal: AbortSignal,
): Promise<Pulled> {
  const over = Promise.withResolvers<Pulled>();
  let isOver = false;
  /** What comes from now on is not looked at. */
  const end = (how: Pulled): void => {
    isOver = true;
    over.resolve(how);
  };
  const from = part.length;
  const gathered: Uint8Array[] = [];
  let writing: Promise<void> = Promise.resolve();
  let answered = false;
  let due = row.size - from;
  let told = from;
  let silence: NodeJS.Timeout | undefined;
  const listen = (): void => {
    clearTimeout(silence);
    silence = setTimeout(() => end('cut'), SILENT_MS);
  };
  const stop = (): void => end('cut');
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();

  /** Whatever came while the disk was busy goes to it at once. */
  async function append(): Promise<void> {
    if (gathered.length === 0) return;
    await part.append(gathered.splice(0));
    onBytes();
    if (part.length - told >= TAKEN_EVERY_BYTES) {
      told = part.length;
      stream.sendText(JSON.stringify({ op: 'taken', bytes: told - from }));
    }
    if (part.length === row.size) end('whole');
  }

  stream.onMessage((message) => {
    if (isOver) return;
    listen();
    if (typeof message === 'string') {
      const answer = answered ? undefined : AnswerSchema.safeParse(parse(message));
      if (answer?.success !== true) return end('wrong');
      answered = true;
      if (answer.data.op === 'absent') end('absent');
      else if (answer.data.size !== row.size) end('wrong');
      else if (due === 0) end('whole');
      return;
    }
    due -= message.length;
    if (!answered || due < 0) return end('wrong');
    // Bounded by the window: what is sent beyond it is refused.
    if (row.size - due - part.length > WINDOW_BYTES + ASSET_MESSAGE_BYTES_MAX) return end('wrong');
    gathered.push(message);
    writing = writing.then(append);
    writing.catch(over.reject);
  });
  stream.onClose(() => {
    writing.then(
      () => end('cut'),
      () => undefined,
    );
  });
  listen();
  stream.sendText(JSON.stringify({ op: 'get', projectId, hash: row.hash, from }));
  try {
    return await over.promise;
  } finally {
    isOver = true;
    clearTimeout(silence);
    signal.removeEventListener('abort', stop);
    stream.close();
    // What has come is in order, and counts for the next try.
    await writing.catch(() => undefined);
  }
}

/** Answers one question for bytes. @param listOf of a project that is open here and shared with who asks */
export function serveAsset(
  stream: MessageStream,
  listOf: (id: ProjectId) => AssetList | undefined,
  onTrouble: (doing: string, cause: unknown) => void,
): void {
  let taken = 0;
  let isAsked = false;
  let isOver = false;
  let wake = (): void => undefined;
  stream.onDrain(() => wake());
  stream.onClose(() => {
    isOver = true;
    wake();
  });
  stream.onMessage((message) => {
    const json = typeof message === 'string' ? parse(message) : undefined;
    const said = TakenSchema.safeParse(json);
    if (isAsked && said.success) {
      taken = Math.max(taken, said.data.bytes);
      return wake();
    }
    const ask = AskSchema.safeParse(json);
    if (isAsked || !ask.success) return stream.abort(new Failure('bad_request', 'The request is not understood.'));
    isAsked = true;
    send(ask.data).catch((cause: unknown) => {
      onTrouble('sending a file', cause);
      stream.abort(Failure.from(cause));
    });
  });

  async function send({ projectId, hash, from }: z.infer<typeof AskSchema>): Promise<void> {
    const list = listOf(projectId);
    const found = list?.holder(hash);
    if (list === undefined || found === undefined) return stream.sendText(JSON.stringify({ op: 'absent' }));
    const handle = await openToRead(list.root, found.path).catch(() => null);
    if (handle === null) return stream.sendText(JSON.stringify({ op: 'absent' }));
    try {
      const isSame = async (): Promise<boolean> => {
        const now = await handle.stat();
        return now.isFile() && now.size === found.here.size && now.mtimeMs === found.here.mtimeMs;
      };
      if (!(await isSame()) || from > found.here.size) {
        stream.sendText(JSON.stringify({ op: 'absent' }));
        return void list.look([found.path]).catch(() => undefined);
      }
      stream.sendText(JSON.stringify({ op: 'have', size: found.here.size }));
      let at = from;
      for await (const block of blocksOf(handle, from, found.here.size)) {
        if (isOver) break;
        for (let sent = 0; sent < block.length && !isOver;) {
          if (at - from - taken > WINDOW_BYTES - PIECE_BYTES || stream.waiting() > QUEUED_BYTES_MAX) {
            await new Promise<void>((resolve) => (wake = resolve));
            continue;
          }
          const piece = block.subarray(sent, sent + PIECE_BYTES);
          stream.sendBytes(piece);
          sent += piece.length;
          at += piece.length;
        }
      }
      // Who has begun with other bytes goes on elsewhere: the hash decides.
      if (!isOver && !(await isSame())) stream.abort(new Failure('conflict', 'The file changed while it was sent.'));
    } finally {
      await handle.close();
    }
  }
}

/** The bytes of a file, each block until the next is asked for: two take turns, so that the disk is not waited for. */
async function* blocksOf(handle: FileHandle, from: number, size: number): AsyncGenerator<Uint8Array> {
  const buffers = [0, 1].map(() => Buffer.allocUnsafeSlow(Math.min(BLOCK_BYTES, size - from)));
  const read = async (at: number, turn: number): Promise<Uint8Array> => {
    const buffer = buffers[turn % 2] ?? Buffer.alloc(0);
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, size - at), at);
    if (bytesRead === 0) throw new Failure('conflict', 'The file became shorter while it was sent.');
    return buffer.subarray(0, bytesRead);
  };
  let next = from < size ? read(from, 0) : null;
  try {
    for (let at = from, turn = 1; next !== null; turn++) {
      const block = await next;
      at += block.length;
      next = at < size ? read(at, turn) : null;
      next?.catch(() => undefined);
      yield block;
    }
  } finally {
    // Nobody may close the file under it.
    await next?.catch(() => undefined);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
