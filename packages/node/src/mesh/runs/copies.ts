/**
 * Runs of other devices as they are known here: each run as its host last told it, and its events, in a file of the same
 * form as the host's own, below `<home>/runs-elsewhere/`. What is here can be read while the host is away.
 *
 * 1. A file has the events from 0 on without a gap; a line that a kill tore off is cut off before it goes on.
 * 2. A run that ended is never again one that has not.
 * 3. Bounded as a device's own runs are: the oldest go, but none that is still being copied.
 */
import { writeSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { DeviceIdSchema, Failure, RunSchema, runMachine, type DeviceId, type Run, type RunId } from '@markco/protocol';
import * as z from 'zod/mini';
import { createEventLog } from '../../runs/events.ts';
import type { RunLog } from '../../runs/journal.ts';
import { dropOldEvents } from '../../runs/keep.ts';
import { makeRunFolder, readEnd, spoolFile } from '../../runs/spool.ts';
import { keyOf, tableRange } from '@markco/replica/store/key';
import type { LocalStore } from '@markco/replica/store/store';

const FOLDER = 'runs-elsewhere';
/** How often it is looked whether older ones are to go: so many more than the bound may be there. */
const LOOK_EACH = 100;
const RECENT_MAX = 1_000;
const AT_ONCE_BYTES_MAX = 64 * 1024;

const RunCopySchema = z.strictObject({
  version: z.literal(1),
  run: RunSchema,
  host: DeviceIdSchema,
  /** Submitted here: it is copied to its end, whether anybody looks or not. */
  mine: z.boolean(),
  /** All its events are here. */
  complete: z.boolean(),
});
export type RunCopy = z.infer<typeof RunCopySchema>;

/** The end of a file of events, to which more are written. */
export type CopyFile = AsyncDisposable & {
  /** The event that comes next. */
  readonly seq: number;
  /** Whether the last event that is here ends its run. */
  readonly hasEnd: boolean;
  /** @param lines events as JSON, one each, from `seq` on */
  append(lines: readonly string[], hasEnd: boolean): Promise<void>;
};

export type RunCopies = ReturnType<typeof createRunCopies>;

export function createRunCopies(parts: {
  /** The state folder of the device; it exists. */
  readonly home: string;
  readonly store: LocalStore;
  readonly log: RunLog;
  /** Whether it is being copied or read. */
  isInUse(id: RunId): boolean;
}) {
  const { store } = parts;
  const root = path.join(parts.home, FOLDER);
  const folderOf = (id: RunId): string => path.join(root, id);
  const events = createEventLog({
    runFolder: folderOf,
    isOver: async (id) => require(id).complete,
  });
  /** Whoever has ever been the host of one, since the last start. */
  const hosts = new Set<DeviceId>();
  /** Rows of runs that go on: whoever reads one asks for it again and again. */
  const recent = new Map<RunId, RunCopy>();
  let finished = 0;
  let dropping: Promise<void> | null = null;
  const closing = new AbortController();

  function get(id: RunId): RunCopy | null {
    const known = recent.get(id);
    if (known !== undefined) return known;
    const value = store.get(keyOf('e', id));
    return value === undefined ? null : parse(value);
  }

  function keep(copy: RunCopy): void {
    recent.delete(copy.run.id);
    if (copy.complete) return;
    recent.set(copy.run.id, copy);
    const [oldest] = recent.keys();
    if (recent.size > RECENT_MAX && oldest !== undefined) recent.delete(oldest);
  }

  function require(id: RunId): RunCopy {
    const copy = get(id);
    if (copy === null) throw new Failure('not_found', 'There is no such run here.');
    return copy;
  }

  /** Its run as it is now, or was when it ended (rule 2). */
  async function put(run: Run, host: DeviceId, more: Partial<Pick<RunCopy, 'mine' | 'complete'>> = {}): Promise<void> {
    const before = get(run.id);
    const isLate = before !== null && runMachine.isTerminal(before.run.state) && !runMachine.isTerminal(run.state);
    const {
      storedEvents: _,
      queuePosition: __,
      waitsFor: ___,
      unreachable: ____,
      ...known
    } = isLate ? before.run : run;
    hosts.add(host);
    const copy: RunCopy = {
      ...{ version: 1, run: known, host },
      ...{ mine: more.mine ?? before?.mine ?? false, complete: more.complete ?? before?.complete ?? false },
    };
    const value = new TextEncoder().encode(JSON.stringify(copy));
    const written = store.write([{ key: keyOf('e', run.id), value }], { sync: false });
    keep(copy);
    await written.catch((cause: unknown) => {
      recent.delete(run.id);
      throw cause;
    });
    if (copy.complete && before?.complete !== true && ++finished % LOOK_EACH === 0) void keepWithinBounds();
    events.touch(run.id);
  }

  /** Rows by descending id, that is newest first. One that cannot be read is logged and left out. */
  async function* list(before: RunId | null): AsyncGenerator<RunCopy> {
    const { gte, lt } = tableRange('e');
    for await (const [, value] of store.range({ gte, lt: before === null ? lt : keyOf('e', before), reverse: true })) {
      try {
        const copy = parse(value);
        hosts.add(copy.host);
        yield copy;
      } catch (error) {
        parts.log.warn('run-copy.unreadable', { reason: String(error) });
      }
    }
  }

  /** One look at a time; resolves when it is over. */
  function keepWithinBounds(bounds: { readonly runsMax?: number } = {}): Promise<void> {
    dropping ??= dropOldEvents(
      {
        runsFolder: root,
        log: parts.log,
        isDone: async (id) => !parts.isInUse(id),
        onDropped(id) {
          recent.delete(id);
          return store.write([{ key: keyOf('e', id), value: null }], { sync: false });
        },
      },
      closing.signal,
      bounds,
    )
      .catch((error: unknown) => parts.log.warn('run-copy.not-dropped', { reason: String(error) }))
      .finally(() => (dropping = null));
    return dropping;
  }

  return {
    get,
    put,
    list,
    /** The devices whose runs may be here. All of them once the list was read to its end. */
    hosts: hosts as ReadonlySet<DeviceId>,
    keepWithinBounds,
    /** As `EventLog.follow`: what is here, then what is copied, until all is. */
    follow: events.follow,
    /** As `EventLog.stored`. */
    stored: events.stored,
    /** As `EventLog.count`. */
    storedCount: events.count,
    /** Tells who reads a run that there is more. */
    touch: events.touch,

    /** One writer a run at a time. `storage_failed` when it cannot be made, or is damaged. */
    async open(id: RunId): Promise<CopyFile> {
      await makeRunFolder(folderOf(id));
      const file = await open(spoolFile(folderOf(id)), 'a+', 0o600);
      try {
        const { last, bytes } = await readEnd(file);
        if (bytes < (await file.stat()).size) await file.truncate(bytes);
        return createFile(file, (last?.seq ?? -1) + 1, last?.type === 'result' || last?.type === 'error', () =>
          events.touch(id),
        );
      } catch (error) {
        await file.close();
        throw error;
      }
    },

    async close(): Promise<void> {
      closing.abort();
      await dropping;
    },
  };
}

function createFile(file: FileHandle, from: number, ended: boolean, onMore: () => void): CopyFile {
  let seq = from;
  let hasEnd = ended;
  return {
    get seq() {
      return seq;
    },
    get hasEnd() {
      return hasEnd;
    },
    async append(lines, isEnd) {
      if (lines.length === 0) return;
      try {
        await append(file, Buffer.from(`${lines.join('\n')}\n`));
      } catch (cause) {
        throw new Failure(
          'storage_failed',
          'The events of this run could not be kept. Check that the disk has space.',
          {
            cause,
          },
        );
      }
      seq += lines.length;
      hasEnd = isEnd;
      onMore();
    },
    [Symbol.asyncDispose]: () => file.close(),
  };
}

/** A few events at once: to hand them to another thread takes longer than to write them. */
async function append(file: FileHandle, lines: Buffer): Promise<void> {
  if (lines.length > AT_ONCE_BYTES_MAX) return file.appendFile(lines);
  // A disk with little room takes a part and says no more.
  if (writeSync(file.fd, lines) < lines.length) throw new Error('there was no room for all of it');
}

function parse(value: Uint8Array): RunCopy {
  const parsed = RunCopySchema.safeParse(JSON.parse(new TextDecoder().decode(value)));
  if (!parsed.success)
    throw new Failure('storage_failed', 'The row of a run of another device is damaged.', { cause: parsed.error });
  return parsed.data;
}
