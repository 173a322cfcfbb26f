/**
 * For tests: a host that can be killed between any two things it does, and a disk and a worker that outlive it.
 *
 * All of them do one thing at a time, in the order that the scheduler chooses. Of a host that was killed nothing
 * happens any more, not even a failure: what it waits for never comes.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Scheduler } from 'fast-check';

/** A named point, and on which side of it the host is killed. */
export type Trap = { readonly point: string; readonly side: 'before' | 'after' };

export type World = ReturnType<typeof createWorld>;

const never = (): Promise<never> => new Promise(() => undefined);

export function createWorld(scheduler: Scheduler) {
  const lives = new AsyncLocalStorage<number>();
  const files = new Map<string, Buffer>();
  const sprung = new Set<string>();
  let life = 0;
  let isFull = false;
  let trap: Trap | undefined;
  let onKilled = (): void => undefined;

  function kill(): void {
    life++;
    trap = undefined;
    onKilled();
  }

  /** Something the host does: after its turn came, unless it was killed meanwhile. `torn` is what a kill leaves of it. */
  async function act<T>(point: string, effect: () => T, torn?: () => void): Promise<T> {
    const mine = lives.getStore();
    await scheduler.schedule(Promise.resolve(), point);
    if (mine !== life) {
      torn?.();
      return never();
    }
    const due = trap?.point === point ? trap.side : undefined;
    if (due !== undefined) sprung.add(`${due} ${point}`);
    if (due === 'before') {
      torn?.();
      kill();
      return never();
    }
    const done = effect();
    if (due !== 'after') return done;
    kill();
    return never();
  }

  return {
    files,
    /** The traps that caught the host. */
    sprung,
    kill,
    act,

    /** While it is full, half of what is written is there and no error says so. */
    get isFull(): boolean {
      return isFull;
    },
    fill: (full: boolean): void => void (isFull = full),

    /** From now on killed at this point. */
    set(next: Trap): void {
      trap = next;
    },

    /** Lets a host live: what it does from here on is lost when the next one begins. */
    begin<T>(host: () => T, killed: () => void): T {
      onKilled = killed;
      return lives.run(life, host);
    },

    /** What nobody kills, such as a worker: a thing of its own at its turn. */
    aside: (point: string): Promise<unknown> => scheduler.schedule(Promise.resolve(), point),
  };
}

/** The part of `node:fs/promises` that a spool needs, on the files of a world. */
export function diskOf(world: () => World) {
  const gone = (path: string): Error => Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' });
  const there = (path: string): Error => Object.assign(new Error(`EEXIST: ${path}`), { code: 'EEXIST' });
  return {
    mkdir: (): Promise<void> => world().act('mkdir', () => undefined),
    async open(path: string, flags: string) {
      const { files, act } = world();
      await act('open', () => {
        if (flags === 'r+' && !files.has(path)) throw gone(path);
        if (flags !== 'wx+') return;
        if (files.has(path)) throw there(path);
        files.set(path, Buffer.alloc(0));
      });
      const bytes = (): Buffer => files.get(path) ?? Buffer.alloc(0);
      const put = (line: Buffer, length: number, at: number): void =>
        void files.set(path, Buffer.concat([bytes().subarray(0, at), line.subarray(0, length)]));
      return {
        stat: () => act('stat', () => ({ size: bytes().length })),
        read: (into: Buffer, offset: number, length: number, from: number) =>
          act('read', () => ({ bytesRead: bytes().copy(into, offset, from, from + length) })),
        truncate: (size: number) => act('truncate', () => void files.set(path, bytes().subarray(0, size))),
        write: (line: Buffer, _offset: number, length: number, at: number) =>
          act(
            'write the end',
            () => {
              const bytesWritten = world().isFull ? length >> 1 : length;
              put(line, bytesWritten, at);
              return { bytesWritten };
            },
            () => files.has(path) && bytes().length === at && put(line, length >> 1, at),
          ),
        datasync: () => act('sync the end', () => undefined),
        [Symbol.asyncDispose]: async () => undefined,
      };
    },
  };
}
