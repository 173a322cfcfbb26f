/**
 * The session that we began at an attached server, noted in the folder of ours: removed with ours, though its keeper,
 * which alone had spoken to the server, is gone by then.
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod/mini';
import { findAttached } from './attached.ts';
import { open } from './request.ts';

const text = z.string().check(z.maxLength(10_000));
const NoteSchema = z.strictObject({ executable: text, session: text });
type Note = z.infer<typeof NoteSchema>;

const fileIn = (folder: string): string => path.join(folder, 'server-session.json');

export async function noteServerSession(folder: string, note: Note): Promise<void> {
  await writeFile(fileIn(folder), JSON.stringify(note), { mode: 0o600 });
}

/** Nothing when we began none, or it is gone there already. Rejects with a sentence when it may still be there. */
export async function endServerSession(folder: string, signal: AbortSignal): Promise<void> {
  const written = await readFile(fileIn(folder), 'utf8').catch(() => null);
  if (written === null) return;
  const { executable, session } = NoteSchema.parse(JSON.parse(written));
  const server = await findAttached(executable);
  const answer = await open(server, 'DELETE', `mrp/v1/sessions/${encodeURIComponent(session)}`, undefined, signal);
  answer.body.resume();
  if (answer.status >= 300 && answer.status !== 404)
    throw new Error(`The attached runtime ${server.name} answered ${answer.status} when its session was to end.`);
}
