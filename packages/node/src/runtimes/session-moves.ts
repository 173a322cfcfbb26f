/**
 * Sessions that leave this device for another one, and those that come: the one side of a move each.
 *
 * 1. A session that leaves is the session until it is told that it has left; whoever breaks off before lets it stay.
 * 2. One that comes has its values before anything is said of it. Until it is kept, it goes again when the move breaks off,
 *    and what was here under its name is as it was.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  Failure,
  newId,
  type IdSource,
  type RuntimeSession,
  type SessionConfig,
  type SessionId,
} from '@markco/protocol';
import type { Session } from './session.ts';
import type { SessionWish } from './session-host.ts';

/** What Python keeps at most, and its own line about it. */
export const VALUES_BYTES_MAX = 260 * 1024 * 1024;
const PART_BYTES = 256 * 1024;
const LEFT_OVER = '.values';

/** What of a session goes to another device. */
export type Packed = Required<Pick<SessionWish, 'projectId' | 'language' | 'name'>> & {
  readonly config: SessionConfig | null;
  /** Of its values, as they are sent. */
  readonly bytes: number;
  readonly hash: string;
  readonly kept: number;
  /** The first of the names that could not be kept, each with why. */
  readonly lost: readonly string[];
  readonly lostCount: number;
};

export type Leaving = {
  readonly packed: Packed;
  parts(): AsyncIterable<Uint8Array>;
  /** The other device has it: it ends here. */
  left(): Promise<void>;
  stay(): Promise<void>;
};

export type Coming = {
  readonly session: RuntimeSession;
  /** It is the session from now on: what was here under its name ends. */
  keep(): Promise<void>;
  undo(): Promise<void>;
};

export type SessionMovesParts = {
  /** The folder of sessions. */
  readonly folder: string;
  readonly ids: IdSource;
  readonly sessions: ReadonlyMap<SessionId, Session>;
  readonly require: (id: SessionId) => Session;
  /** A session beside any that has this key. */
  readonly make: (key: SessionWish & { readonly moved: true }) => Promise<Session>;
  readonly view: (session: Session) => RuntimeSession;
  readonly remove: (id: SessionId) => Promise<void>;
  /** Whether a run of it is on or waits. */
  readonly isBusy: (id: SessionId) => boolean;
};

export type SessionMoves = ReturnType<typeof createSessionMoves>;

export function createSessionMoves({ folder, ids, sessions, require, make, view, remove, isBusy }: SessionMovesParts) {
  return {
    /** What a move left behind that this device did not outlive. */
    async tidy(): Promise<void> {
      for (const name of await readdir(folder)) if (name.endsWith(LEFT_OVER)) await rm(path.join(folder, name));
    },

    /** `conflict` while it is busy or has nothing, `unsupported` where its language keeps no values. */
    async leave(id: SessionId, signal: AbortSignal): Promise<Leaving> {
      const session = require(id);
      if (!(await session.hasValues()))
        throw new Failure('conflict', 'This session has no values: there is nothing to move. Run its cells there.');
      if (isBusy(id)) throw busy();
      if (session.state !== 'running') await session.start(signal);
      if (isBusy(id)) throw busy();
      const { file, kept, lost, lostCount } = await session.leave();
      try {
        const { projectId, language, name, config = null } = session.record;
        const hash = createHash('sha256');
        for await (const part of createReadStream(file)) hash.update(part as Uint8Array);
        const about = { bytes: (await stat(file)).size, hash: hash.digest('hex'), kept, lost, lostCount };
        return {
          packed: { projectId, language, name, config, ...about },
          parts: () => createReadStream(file, { highWaterMark: PART_BYTES }),
          async left() {
            if (session.state !== 'migrating')
              throw new Failure('conflict', 'This session was started anew while it was moved.');
            await remove(id);
          },
          stay: () => session.stay(),
        };
      } catch (error) {
        await session.stay();
        throw error;
      }
    },

    /**
     * Makes a session with these values. `conflict` where one of this name has values of its own, unless they may go;
     * `unsupported` where they do not fit, `bad_request` where they are not what was announced.
     */
    async come(
      { config, ...packed }: Packed,
      parts: AsyncIterable<Uint8Array>,
      { source, replace, signal }: { readonly source: string; readonly replace: boolean; readonly signal: AbortSignal },
    ): Promise<Coming> {
      const { projectId, language, name } = packed;
      const before = [...sessions.values()].filter(
        ({ record }) => record.projectId === projectId && record.language === language && record.name === name,
      );
      for (const { record, hasValues } of before) {
        if (isBusy(record.id))
          throw new Failure('conflict', 'A run is on in the session of this name there. Wait for it.');
        if (!replace && (await hasValues()))
          throw new Failure(
            'conflict',
            'There is a session of this name there already, with values of its own. To put this one in its place, add `--replace`.',
          );
      }
      const file = path.join(folder, `${newId(ids)}${LEFT_OVER}`);
      try {
        await receive(file, packed, parts, signal);
        const session = await make({ projectId, language, name, moved: true, ...(config === null ? {} : { config }) });
        const { id } = session.record;
        try {
          await session.start(signal);
          await session.bring(file, source);
        } catch (error) {
          await remove(id);
          throw error;
        }
        return {
          session: view(session),
          async keep() {
            for (const { record } of before) if (sessions.has(record.id)) await remove(record.id);
          },
          undo: () => (sessions.has(id) ? remove(id) : Promise.resolve()),
        };
      } finally {
        await rm(file, { force: true });
      }
    },
  };
}

const busy = (): Failure =>
  new Failure('conflict', 'A run is on in this session, or waits for it. Wait for its end, or add `--wait`.');

/** Writes what comes, and sees that it is what was announced. */
async function receive(
  file: string,
  { bytes, hash }: Pick<Packed, 'bytes' | 'hash'>,
  parts: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  if (bytes > VALUES_BYTES_MAX) throw new Failure('too_large', 'The values of this session are too large to be moved.');
  const seen = createHash('sha256');
  let came = 0;
  const check = new Transform({
    transform(part: Uint8Array, _encoding, done) {
      came += part.length;
      seen.update(part);
      done(came > bytes ? new Failure('bad_request', 'More came than was announced.') : null, part);
    },
  });
  await pipeline(parts, check, createWriteStream(file, { mode: 0o600, flags: 'wx' }), { signal });
  if (came !== bytes || seen.digest('hex') !== hash)
    throw new Failure('bad_request', 'The values did not arrive as they were sent. Try again.');
}
