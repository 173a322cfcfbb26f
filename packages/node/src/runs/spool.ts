/**
 * A run's spool, from the host's side: `<home>/runs/<runId>/events.jsonl`, one `RunEvent` a line.
 *
 * 1. The worker is the only writer while it lives. The host writes only the last event, only when
 *    no worker can: it never got the run, or it is dead.
 * 2. A line that a power cut tore off counts as never written.
 * 3. A spool has at most one last event, `result` or `error`; nothing follows it.
 */
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import {
  Failure,
  LIMITS,
  newId,
  RunEventSchema,
  type IdSource,
  type RunEvent,
  type RunEventId,
  type RunId,
} from '@markco/protocol';

const WINDOW_BYTES = 64 * 1024;
const NEWLINE = 0x0a;
/** A line as JSON: an event of the largest size, each character escaped. */
export const LINE_BYTES_MAX = 8 * LIMITS.eventBytesMax;

export type LastEvent = Extract<RunEvent, { type: 'result' | 'error' }>;
export type ErrorPayload = Extract<RunEvent, { type: 'error' }>['payload'];

export function spoolFile(runFolder: string): string {
  return path.join(runFolder, 'events.jsonl');
}

/** Makes the folder in which a run's spool will be; it may be there. */
export async function makeRunFolder(runFolder: string): Promise<void> {
  await mkdir(runFolder, { recursive: true, mode: 0o700 });
}

/** One line of a spool as an event. `storage_failed` when it is none. */
export function parseEvent(line: Uint8Array): RunEvent {
  try {
    return RunEventSchema.parse(
      JSON.parse(Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8')),
    );
  } catch (cause) {
    throw new Failure(
      'storage_failed',
      'The events of this run are damaged on disk. What was read before this is whole.',
      { cause },
    );
  }
}

/**
 * The last event of a run, which is what the worker wrote, or, when it left none, an error with
 * this payload, appended and synced now. Call only when no worker writes any more (rule 1).
 */
export async function endSpool(
  runFolder: string,
  run: RunId,
  payload: ErrorPayload,
  ids: IdSource,
): Promise<LastEvent> {
  await using file = await openSpool(runFolder);
  const { last, bytes } = await readEnd(file);
  if (last?.type === 'result' || last?.type === 'error') return last;
  const event: LastEvent = {
    id: newId<RunEventId>(ids),
    runId: run,
    seq: last === null ? 0 : last.seq + 1,
    createdAt: new Date(ids.now()).toISOString(),
    type: 'error',
    payload,
  };
  const line = Buffer.from(`${JSON.stringify(event)}\n`);
  try {
    await file.truncate(bytes);
    const { bytesWritten } = await file.write(line, 0, line.length, bytes);
    // A disk with little room takes a part and says no more.
    if (bytesWritten < line.length) throw new Error(`${bytesWritten} of ${line.length} bytes found room`);
    await file.datasync();
  } catch (cause) {
    await file.truncate(bytes).catch(() => undefined);
    throw new Failure('storage_failed', 'The end of the run could not be written to disk. Check that it has space.', {
      cause,
    });
  }
  return event;
}

/** Making the file here also refuses a worker that has not made it yet: it insists on a new one. */
async function openSpool(runFolder: string): Promise<FileHandle> {
  try {
    return await open(spoolFile(runFolder), 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await makeRunFolder(runFolder);
    return open(spoolFile(runFolder), 'wx+', 0o600);
  }
}

/** The last whole line as an event, and how many bytes the whole lines have. */
export async function readEnd(file: FileHandle): Promise<{ readonly last: RunEvent | null; readonly bytes: number }> {
  const { size } = await file.stat();
  for (let window = WINDOW_BYTES; ; window *= 4) {
    const start = Math.max(0, size - window);
    const buffer = Buffer.alloc(size - start);
    await file.read(buffer, 0, buffer.length, start);
    const end = buffer.lastIndexOf(NEWLINE);
    if (end < 0 && start === 0) return { last: null, bytes: 0 };
    const begin = end <= 0 ? -1 : buffer.lastIndexOf(NEWLINE, end - 1);
    if (end >= 0 && (begin >= 0 || start === 0)) {
      return { last: parseEvent(buffer.subarray(begin + 1, end)), bytes: start + end + 1 };
    }
    if (window > 2 * LINE_BYTES_MAX) throw new Failure('storage_failed', 'The events of this run are damaged on disk.');
  }
}
