/**
 * Named pipes between a keeper and its interpreter, in the session's folder.
 *
 * What Node calls a pipe is a socket, and a program cannot open a socket again: `echo … >/dev/stderr` would fail. A
 * named pipe is a real one, and a shell finds it by its name without holding on to it.
 */
import { execFile } from 'node:child_process';
import { closeSync, constants, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';

const CHUNK_BYTES = 64 * 1024;
/** More than a pipe holds; what comes after it was written after it was asked for. */
const DRAIN_BYTES_MAX = 1024 * 1024;
const { O_RDWR, O_WRONLY, O_NONBLOCK } = constants;

/** Makes one pipe for each name, readable by this user alone. */
export async function makePipes<N extends string>(folder: string, names: readonly N[]): Promise<Record<N, string>> {
  const files = names.map((name) => path.join(folder, name));
  for (const file of files) rmSync(file, { force: true });
  await promisify(execFile)('mkfifo', ['-m', '600', ...files]);
  return Object.fromEntries(names.map((name, index) => [name, files[index]])) as Record<N, string>;
}

/** An end for a child to write to. Its reader must be there. Close it once the child is started. */
export function openForChild(file: string): number {
  return openSync(file, O_WRONLY);
}

export type PipeReader = ReturnType<typeof readPipe>;

/** Hands on what is written to the pipe, as text: a character that comes in two pieces is one. */
export function readPipe(file: string, onText: (text: string) => void) {
  const fd = openSync(file, O_RDWR | O_NONBLOCK); // Also for writing, so that it never ends.
  let decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const take = (bytes: Uint8Array): void => {
    const text = decoder.decode(bytes, { stream: true });
    if (text !== '') onText(text);
  };
  const socket = new Socket({
    fd,
    readable: true,
    writable: false,
    onread: {
      buffer: Buffer.allocUnsafe(CHUNK_BYTES),
      callback: (length, bytes) => {
        take(bytes.subarray(0, length));
        return true;
      },
    },
  });
  socket.on('error', () => undefined);

  return {
    /** Takes what is in the pipe now. */
    drain(): void {
      const bytes = Buffer.allocUnsafe(CHUNK_BYTES);
      for (let taken = 0; taken < DRAIN_BYTES_MAX;) {
        const length = readNow(fd, bytes);
        if (length === 0) return;
        taken += length;
        take(bytes.subarray(0, length));
      }
    },
    /** What is left of a character that was never finished. */
    rest(): void {
      const text = decoder.decode();
      decoder = new TextDecoder('utf-8', { ignoreBOM: true });
      if (text !== '') onText(text);
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    close: () => void socket.destroy(),
  };
}

/** The other way: lines for whoever reads the pipe. */
export function writePipe(file: string) {
  const fd = openSync(file, O_RDWR | O_NONBLOCK);
  return {
    /** Whether there was room for it. */
    write(text: string): boolean {
      const bytes = Buffer.from(text);
      try {
        return writeSync(fd, bytes) === bytes.length;
      } catch {
        return false;
      }
    },
    /** Takes back what nobody has read. */
    empty(): void {
      const bytes = Buffer.allocUnsafe(CHUNK_BYTES);
      while (readNow(fd, bytes) > 0);
    },
    close: (): void => closeSync(fd),
  };
}

/** A short word for whoever has the pipe open. It is gone before they have the word: they may make the next one at once. */
export function tellPipe(file: string, text: string): void {
  let fd: number | null = null;
  try {
    fd = openSync(file, O_WRONLY | O_NONBLOCK);
    rmSync(file);
    writeSync(fd, text);
  } catch {
    // Nobody waits any more.
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

/** The same for texts of any size: what the pipe has no room for waits here. */
export function streamPipe(file: string) {
  const fd = openSync(file, O_RDWR | O_NONBLOCK);
  const socket = new Socket({ fd, readable: false, writable: true });
  socket.on('error', () => undefined); // Its reader has ended, which that one's exit tells.
  return {
    write: (text: string): void => void socket.write(text),
    close: (): void => void socket.destroy(),
  };
}

function readNow(fd: number, into: Buffer): number {
  try {
    return readSync(fd, into);
  } catch {
    return 0; // EAGAIN: it is empty.
  }
}
