/**
 * A run's spool as a keeper writes it: one `RunEvent` of JSON a line, each appended by one write.
 *
 * 1. The file must not exist: a run that was delivered twice is refused.
 * 2. `seq` is the number of the line, from 0, without gaps.
 * 3. A line is on disk whole or not at all: what a full disk cut off is taken back, and the caller tries again.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, constants, fdatasync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import type { RunEvent, RunId } from '@markco/protocol';

const { O_WRONLY, O_APPEND, O_CREAT, O_EXCL } = constants;
const FULL_DISK: readonly unknown[] = ['ENOSPC', 'EDQUOT'];
const syncToDisk = promisify(fdatasync);

export type SpooledEvent = RunEvent extends infer E
  ? E extends RunEvent
    ? Pick<E, 'type' | 'payload'>
    : never
  : never;
export type Spool = ReturnType<typeof openSpool>;

/** A UUIDv7 (RFC 9562 §5.7). The protocol's own would bring its schemas along: a keeper is meant to be small. */
function newEventId(now: number): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(now, 0, 6);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** Throws what `open` does when the file is there already or cannot be made. */
export function openSpool(path: string, run: RunId, now: () => number = Date.now) {
  const fd = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL, 0o600);
  let size = 0;
  let seq = 0;
  let synced = 0;

  /** Why it could not be written, or null. */
  function write(line: Buffer): string | null {
    try {
      if (writeSync(fd, line) === line.length) return null;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (!FULL_DISK.includes(code)) throw error;
      ftruncateSync(fd, size);
      return message;
    }
    ftruncateSync(fd, size);
    return 'the disk is full';
  }

  return {
    run,
    get size(): number {
      return size;
    },

    /** Null when the event is in the file; otherwise why not (the disk is full), and nothing of it is there. */
    append(event: SpooledEvent): string | null {
      const at = now();
      const line = Buffer.from(
        `${JSON.stringify({
          id: newEventId(at),
          runId: run,
          seq,
          createdAt: new Date(at).toISOString(),
          type: event.type,
          payload: event.payload,
        })}\n`,
      );
      const problem = write(line);
      if (problem !== null) return problem;
      seq += 1;
      size += line.length;
      return null;
    },

    /** Brings what is written to the disk itself. */
    async sync(): Promise<void> {
      const upTo = size;
      if (upTo === synced) return;
      await syncToDisk(fd);
      synced = upTo;
    },

    close: (): void => closeSync(fd),
  };
}
