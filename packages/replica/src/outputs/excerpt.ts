/**
 * An output of any length as a text of bounded size: whole when it fits, else its first and its last
 * lines around a line that says how many are left out and links to all of them.
 *
 * 1. Memory is bounded by the limit: what does not fit goes to a scratch file as it comes.
 */
import { open, rm, type FileHandle } from 'node:fs/promises';
import path from 'node:path';

/** A line in a shortened text is itself shortened to this. */
const LINE_CHARS_MAX = 2_000;
const BUFFER_CHARS = 64 * 1024;

/** Stores a generated file and resolves with the path a link uses. A `file` is a scratch file of ours, which may be moved. */
export type SaveAsset = (
  content: { readonly bytes: Uint8Array } | { readonly file: string },
  mime: string,
) => Promise<string>;

export type Excerpt = ReturnType<typeof createExcerpt>;

export function createExcerpt(options: {
  readonly limitBytes: number;
  readonly scratchFolder: string;
  readonly save: SaveAsset;
}) {
  const scratch = path.join(options.scratchFolder, 'output.txt');
  const headBytesMax = options.limitBytes / 4;
  const tailBytesMax = options.limitBytes / 2;
  let head: string[] = [];
  let bytes = 0;
  let count = 0;
  let tail: string[] = [];
  let tailFirst = 0;
  let tailBytes = 0;
  let long = false;
  /** Lines for the scratch file that are not written yet. */
  let unwritten: string[] = [];
  let unwrittenChars = 0;
  let file: FileHandle | null = null;

  function overflow(): void {
    long = true;
    unwritten = head;
    const all = head;
    head = [];
    bytes = 0;
    for (const line of all) {
      const clipped = clip(line);
      const size = Buffer.byteLength(clipped) + 1;
      if (tail.length === 0 && bytes + size <= headBytesMax) {
        bytes += size;
        head.push(clipped);
      } else {
        pushTail(clipped, size);
      }
    }
  }

  function pushTail(line: string, size: number): void {
    tail.push(line);
    tailBytes += size;
    while (tailBytes > tailBytesMax) tailBytes -= Buffer.byteLength(tail[tailFirst++] ?? '') + 1;
    if (tailFirst > 1_000 && tailFirst * 2 > tail.length) {
      tail = tail.slice(tailFirst);
      tailFirst = 0;
    }
  }

  return {
    /** Takes a line without its newline. Call `drain` from time to time. */
    line(text: string): void {
      count++;
      if (long) {
        unwritten.push(text);
        unwrittenChars += text.length;
        const clipped = clip(text);
        pushTail(clipped, Buffer.byteLength(clipped) + 1);
        return;
      }
      head.push(text);
      bytes += Buffer.byteLength(text) + 1;
      if (bytes > options.limitBytes) overflow();
    },

    /** Writes to the scratch file what has gathered for it. */
    async drain(atLeastChars = BUFFER_CHARS): Promise<void> {
      if (!long || unwrittenChars < atLeastChars) return;
      file ??= await open(scratch, 'w', 0o600);
      const text = `${unwritten.join('\n')}\n`;
      unwritten = [];
      unwrittenChars = 0;
      await file.writeFile(text);
    },

    /** The text, without a final newline. */
    async finish(): Promise<string> {
      if (!long) return head.join('\n');
      if (unwritten.length > 0) await this.drain(0);
      await file?.close();
      file = null;
      const link = await options.save({ file: scratch }, 'text/plain');
      const last = tail.slice(tailFirst);
      const between = (count - head.length - last.length).toLocaleString('en-US');
      return [...head, `… ${between} lines in between: [whole output](${link})`, ...last].join('\n');
    },

    /** Leaves nothing behind, however it ended. */
    async [Symbol.asyncDispose](): Promise<void> {
      await file?.close();
      await rm(scratch, { force: true });
    },
  };
}

function clip(line: string): string {
  return line.length <= LINE_CHARS_MAX
    ? line
    : `${line.slice(0, LINE_CHARS_MAX)}… (${(line.length - LINE_CHARS_MAX).toLocaleString('en-US')} more characters)`;
}
