/**
 * Who did what that matters later: where runs were sent, who came in, which devices were added, what was shared. One line
 * of JSON each, in a file that only grows, of a device or of a cloud.
 *
 * 1. A line names what it is about and why, and holds no code, no text and no secret.
 * 2. The file is bounded: past BYTES_MAX it is put aside, FILES_MAX of them are kept, the oldest goes. At most WAITING_MAX
 *    lines wait for the disk; of more it is said how many are missing.
 * 3. Nothing waits for it. What could not be written is told once, and tried with the next line.
 */
import { appendFile, rename, stat } from 'node:fs/promises';

const BYTES_MAX = 4 * 1024 * 1024;
const FILES_MAX = 5;
const WAITING_MAX = 5_000;

export type AuditFields = {
  readonly user_id?: string | undefined;
  readonly device_id?: string | undefined;
  readonly project_id?: string | undefined;
  readonly doc_path?: string | undefined;
  readonly run_id?: string | undefined;
  /** Where it went: `device`, `cloud`, `waits`, or `none`. */
  readonly route_target?: string | undefined;
  readonly reason?: string | undefined;
  /** An account, a session, an invite: what else it is about, by its id. */
  readonly about?: string | undefined;
};

export type Audit = {
  note(event: string, fields?: AuditFields): void;
  /** Resolves once what was noted is written, or could not be. */
  close(): Promise<void>;
};

export type AuditParts = {
  readonly file: string;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** What every line has. */
  readonly base?: () => AuditFields;
  readonly onTrouble: (cause: unknown) => void;
  readonly bytesMax?: number;
};

export function createAudit({ file, now, base, onTrouble, bytesMax = BYTES_MAX }: AuditParts): Audit {
  let waiting: string[] = [];
  let lost = 0;
  let size: number | undefined;
  let isFailing = false;
  let writing: Promise<void> | undefined;

  const line = (event: string, fields: AuditFields & { readonly lines?: number }): string =>
    `${JSON.stringify({ at: new Date(now()).toISOString(), event, ...base?.(), ...fields })}\n`;

  async function putAside(): Promise<void> {
    for (let number = FILES_MAX - 2; number >= 0; number--) {
      const from = number === 0 ? file : `${file}.${number}`;
      await rename(from, `${file}.${number + 1}`).catch(ignoreMissing);
    }
    size = 0;
  }

  async function write(): Promise<void> {
    while (waiting.length > 0) {
      const text = (lost === 0 ? '' : line('audit.lines-lost', { lines: lost })) + waiting.join('');
      const [lines, missing] = [waiting, lost];
      waiting = [];
      lost = 0;
      try {
        size ??= await stat(file).then((found) => found.size, zeroIfMissing);
        if (size > 0 && size + text.length > bytesMax) await putAside();
        await appendFile(file, text, { mode: 0o600 });
        size += Buffer.byteLength(text);
        isFailing = false;
      } catch (cause) {
        lost = missing;
        waiting = [...lines, ...waiting];
        drop();
        if (!isFailing) onTrouble(cause);
        isFailing = true;
        return;
      }
    }
  }

  function drop(): void {
    const over = waiting.length - WAITING_MAX;
    if (over <= 0) return;
    waiting.splice(0, over);
    lost += over;
  }

  return {
    note(event, fields = {}) {
      waiting.push(line(event, fields));
      drop();
      writing ??= write().finally(() => (writing = undefined));
    },
    async close() {
      await writing;
    },
  };
}

function ignoreMissing(cause: NodeJS.ErrnoException): void {
  if (cause.code !== 'ENOENT') throw cause;
}

function zeroIfMissing(cause: NodeJS.ErrnoException): number {
  ignoreMissing(cause);
  return 0;
}
