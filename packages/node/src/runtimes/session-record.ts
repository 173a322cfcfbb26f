/**
 * What a session leaves on disk beside its spools, so that another host finds it again:
 * `<home>/sessions/<sessionId>/session.json`, written by temporary file, sync and rename.
 *
 * 1. The record is on disk before the worker is started: a worker without a record would be lost.
 * 2. The socket's path is in the record and never changes: a worker whose process is not noted yet
 *    is found by connecting to it.
 */
import { createHash } from 'node:crypto';
import { lstat, mkdir, open, readdir, readFile, rename } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { Failure, LanguageSchema, ProjectIdSchema, SessionIdSchema, type SessionConfig } from '@markco/protocol';
import * as z from 'zod/mini';

/** Linux allows 108 bytes with the final NUL, macOS 104. */
const SOCKET_PATH_BYTES_MAX = 100;
const RECORD_BYTES_MAX = 64 * 1024;

const text = z.string().check(z.maxLength(4_096));
const wish = z.nullable(text);

export const SessionRecordSchema = z.strictObject({
  version: z.literal(1),
  id: SessionIdSchema,
  projectId: ProjectIdSchema,
  language: LanguageSchema,
  /** Sessions of a project and a language have names; documents share the one called `default`. */
  name: z.string().check(z.minLength(1), z.maxLength(100)),
  socket: text,
  /** What the project and the document that began it wish. */
  config: z.optional(
    z.strictObject({
      path: wish,
      venv: wish,
      cwd: wish,
      name: wish,
      kernel: wish,
    }) satisfies z.ZodMiniType<SessionConfig>,
  ),
  /** A person moved it here: runs of its name come here, wherever else they could. */
  moved: z.optional(z.literal(true)),
  createdAt: z.iso.datetime(),
  process: z.nullable(
    z.strictObject({
      pid: z.int(),
      startedAt: text,
      executable: text,
      since: z.iso.datetime(),
      environmentHash: z.optional(text),
    }),
  ),
});
export type SessionRecord = z.infer<typeof SessionRecordSchema>;

/** All records under a sessions folder; a folder without a readable one is reported and left alone. */
export async function readRecords(
  sessionsFolder: string,
  onUnreadable: (folder: string, error: unknown) => void,
): Promise<readonly SessionRecord[]> {
  const records: SessionRecord[] = [];
  for (const entry of await readdir(sessionsFolder, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const file = path.join(sessionsFolder, entry.name, 'session.json');
    try {
      const bytes = await readFile(file);
      if (bytes.length > RECORD_BYTES_MAX) throw new Failure('too_large', `${file} is no session record.`);
      records.push(SessionRecordSchema.parse(JSON.parse(bytes.toString())));
    } catch (error) {
      onUnreadable(path.dirname(file), error);
    }
  }
  return records;
}

/** Resolves when the record is on disk. */
export async function writeRecord(folder: string, record: SessionRecord): Promise<void> {
  const file = path.join(folder, 'session.json');
  await using temporary = await open(`${file}.new`, 'w', 0o600);
  await temporary.writeFile(JSON.stringify(record));
  await temporary.datasync();
  await rename(`${file}.new`, file);
  await using directory = await open(folder, 'r');
  await directory.sync();
}

/**
 * The path of a session's socket: in its folder, or, when the home's path is too long for a socket
 * address, under the system's temporary folder in one that only this user may enter.
 */
export async function socketPathFor(folder: string): Promise<string> {
  const own = path.join(folder, 'worker.sock');
  if (Buffer.byteLength(own) <= SOCKET_PATH_BYTES_MAX) return own;
  const { uid } = userInfo();
  const shared = path.join(tmpdir(), `markco-${uid}`);
  await mkdir(shared, { mode: 0o700, recursive: true });
  const found = await lstat(shared);
  if (!found.isDirectory() || (uid >= 0 && found.uid !== uid) || (found.mode & 0o077) !== 0) {
    throw new Failure(
      'forbidden',
      `${shared} belongs to somebody else or is open to others. Remove it, then run the cell again.`,
    );
  }
  return path.join(shared, `${createHash('sha256').update(folder).digest('hex').slice(0, 24)}.sock`);
}

/** Writes records one after another, so that the last one stays. Resolves when it is on disk or `onFailure` was told why not. */
export function createRecordWriter(
  folder: string,
  onFailure: (error: unknown) => void,
): (record: SessionRecord) => Promise<void> {
  let last = Promise.resolve();
  return (record) => {
    last = last.then(() => writeRecord(folder, record)).catch(onFailure);
    return last;
  };
}
