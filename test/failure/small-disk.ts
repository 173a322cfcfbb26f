/** For tests: a disk of a few megabytes, in memory, that can be filled and freed. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type SmallDisk = AsyncDisposable & {
  readonly folder: string;
  /** Fills it up to this many bytes. Returns how many bytes were free. */
  fill(leave: number): Promise<number>;
  free(): Promise<void>;
};

/** Undefined where mounting is not allowed. */
export async function smallDisk(bytes: number): Promise<SmallDisk | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'markco-small-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    await rm(folder, { recursive: true });
    return undefined;
  }
  const ballast = join(folder, 'ballast');
  return {
    folder,
    async fill(leave) {
      await using file = await open(ballast, 'a');
      const before = (await file.stat()).size;
      const block = new Uint8Array(4_096).fill(1);
      for (;;) {
        try {
          await file.write(block);
        } catch {
          break;
        }
      }
      const { size } = await file.stat();
      await file.truncate(Math.max(0, size - leave));
      return size - before;
    },
    free: () => rm(ballast, { force: true }),
    async [Symbol.asyncDispose]() {
      execFileSync('umount', ['-l', folder], { stdio: 'ignore' });
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What `work` puts into the system's temporary folder is in this one. */
export async function withTemporaryFolder<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = folder;
  try {
    return await work();
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  }
}
