/**
 * The way of a run's output into its document, after the run is over, as a device does it: outputs of one session come in
 * the order in which its runs ended. One that fails is tried again when its agent comes back.
 */
import { LIMITS, type Run, type RunEvent, type SessionId } from '@markco/protocol';
import type { Documents } from '@markco/replica/documents/documents';
import { foldEvents } from '@markco/replica/outputs/fold';
import { writeOutput } from '@markco/replica/outputs/write-output';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Copies } from '../copies/copies.ts';
import type { RunRow, RunRows } from './run-rows.ts';

const EXTENSIONS: Readonly<Record<string, string>> = {
  'image/png': '.png',
  'image/svg+xml': '.svg',
  'image/jpeg': '.jpg',
  'image/gif': '.gif',
  'image/webp': '.webp',
  'text/plain': '.txt',
};
const TOO_LARGE = '_assets/generated/too-large-to-be-kept-here';

export type OutputsParts = {
  readonly rows: Pick<RunRows, 'write'>;
  readonly documents: Documents;
  readonly author: () => number;
  readonly copies: Pick<Copies, 'put'>;
  readonly events: (run: Run) => AsyncIterable<RunEvent>;
  readonly onTrouble: (doing: string, cause: unknown) => void;
};

export type AgentOutputs = ReturnType<typeof createAgentOutputs>;

export function createAgentOutputs({ rows, documents, author, copies, events, onTrouble }: OutputsParts) {
  const tails = new Map<SessionId, Promise<void>>();

  /** Kept as copies of files are: a cloud has no folder. */
  async function save(run: Run, bytes: Uint8Array, mime: string): Promise<string> {
    if (bytes.length > LIMITS.copyBytesMax) return TOO_LARGE;
    const hash = createHash('sha256').update(bytes).digest('hex');
    const path = `_assets/generated/${hash}${EXTENSIONS[mime] ?? ''}`;
    await copies.put(run.projectId, path, hash, bytes);
    return path;
  }

  async function write(row: RunRow, version: number): Promise<void> {
    const { run } = row;
    const scratchFolder = await mkdtemp(join(tmpdir(), 'markco-output-'));
    try {
      const text = await foldEvents(events(run), {
        scratchFolder,
        async save(content, mime) {
          if ('bytes' in content) return save(run, content.bytes, mime);
          const { size } = await stat(content.file);
          return size > LIMITS.copyBytesMax ? TOO_LARGE : save(run, await readFile(content.file), mime);
        },
      });
      await writeOutput({ documents, author }, run, text);
    } finally {
      await rm(scratchFolder, { recursive: true, force: true });
    }
    await rows.write({ ...row, outputWritten: true }, version);
  }

  return {
    /** @param version at which its agent came here */
    add(row: RunRow, version: number): void {
      if (row.outputWritten) return;
      const { sessionId } = row.run;
      const mine: Promise<void> = (tails.get(sessionId) ?? Promise.resolve())
        .then(() => write(row, version))
        .catch((cause: unknown) => onTrouble('writing the output of a run', cause))
        .finally(() => {
          if (tails.get(sessionId) === mine) tails.delete(sessionId);
        });
      tails.set(sessionId, mine);
    },
    /** Resolves when the output of a run that is over is in its document, or will not come there now. */
    written: async ({ sessionId }: Run): Promise<void> => tails.get(sessionId),
    async idle(): Promise<void> {
      while (tails.size > 0) await Promise.all(tails.values());
    },
  };
}
