/**
 * What a worker that crashed wrote to its descriptors 1 and 2 and could not spool any more: C code's
 * complaint, or the interpreter's "Fatal Python error". It is what tells people why.
 */
import { open, type FileHandle } from 'node:fs/promises';
import path from 'node:path';

const BYTES_MAX = 16 * 1024;
const LINES_MAX = 100;

type OpenFile = (name: string) => Promise<FileHandle>;

/** The lines after what is in the spool already (`beside`, bytes of `fd1` and `fd2`), at most 100 of each. */
export async function readLastWords(
  folder: string,
  beside: readonly [number, number],
  openFile: OpenFile = open,
): Promise<readonly string[]> {
  const both = await Promise.all([
    readFrom(path.join(folder, 'fd1'), beside[0], openFile),
    readFrom(path.join(folder, 'fd2'), beside[1], openFile),
  ]);
  return both.flat();
}

async function readFrom(name: string, offset: number, openFile: OpenFile): Promise<readonly string[]> {
  try {
    await using file = await openFile(name);
    const { bytesRead, buffer } = await file.read(Buffer.alloc(BYTES_MAX), 0, BYTES_MAX, offset);
    const text = buffer.subarray(0, bytesRead).toString('utf8').trimEnd();
    return text === '' ? [] : text.split('\n').slice(0, LINES_MAX);
  } catch {
    return []; // A session that was removed has no words left.
  }
}
