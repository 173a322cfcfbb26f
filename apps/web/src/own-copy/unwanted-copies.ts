/**
 * Drops what this browser keeps of closed projects and of deleted documents: nobody would ever look at it again.
 *
 * 1. Only the device says which projects are open. While it does not answer nothing is dropped.
 * 2. What holds an edit that the device lacks stays, whatever became of its document (`Copies.drop`).
 * 3. Done once it has been quiet for a while, as far as one call of `Copies.drop` goes.
 */
import type { Client, Copies } from '@markco/client';
import type { DocumentId } from '@markco/protocol';
import { effect } from '@preact/signals';
import * as z from 'zod/mini';
import { listKey, type Workspace } from '../workspace/workspace.ts';
import type { OwnCopy } from './own-copy.ts';

const QUIET_MS = 10_000;
const Ids = z.array(z.object({ id: z.string() }));

export type UnwantedCopiesParts = {
  readonly client: Pick<Client, 'api'>;
  readonly copies: Pick<Copies, 'drop'>;
  readonly ownCopy: OwnCopy;
  readonly workspace: Pick<Workspace, 'projects' | 'documents' | 'connection'>;
};

export async function dropUnwantedCopies(
  {
    client,
    copies,
    ownCopy,
    workspace,
  }: Omit<UnwantedCopiesParts, 'workspace'> & {
    readonly workspace: Pick<Workspace, 'documents'>;
  },
  signal: AbortSignal,
): Promise<void> {
  const { projects } = await client.api('projects', { signal });
  const wanted = new Set<string>((workspace.documents.peek() ?? []).map(({ id }) => id));
  const lists = projects.map(({ id }) => listKey(id));
  // A project without a list was never looked at here.
  for (const key of lists) for (const { id } of (await ownCopy.read(key, Ids)) ?? []) wanted.add(id);
  await ownCopy.forget(listKey(''), new Set(lists));
  await copies.drop((id: DocumentId) => wanted.has(id), signal);
}

/** Returns how to stop. */
export function watchForUnwantedCopies(parts: UnwantedCopiesParts): () => void {
  const { projects, documents, connection } = parts.workspace;
  const stopping = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let seen = '';
  const stop = effect(() => {
    const isOnline = connection.value.state === 'online';
    const now = `${projects.value?.map(({ id }) => id).join()} ${documents.value?.length}`;
    if (!isOnline || projects.value === undefined || now === seen) return;
    seen = now;
    clearTimeout(timer);
    timer = setTimeout(() => {
      // The device went away in the middle: the next change, or the next visit, does it.
      dropUnwantedCopies(parts, stopping.signal).catch(() => {});
    }, QUIET_MS);
  });
  return () => {
    stop();
    clearTimeout(timer);
    stopping.abort();
  };
}
