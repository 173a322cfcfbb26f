/**
 * Everything that is kept of one person beside who may come in: their projects, documents, files, published pages and
 * runs. Counted, known no more, and taken out of the store.
 *
 * Taken out is whatever is found each time it is asked, so that it may be cut off and begun again, by any process.
 */
import type { DocumentId, ProjectId, UserId } from '@markco/protocol';
import { decodeProject, decodeRecord } from '@markco/replica/documents/catalog';
import { keyOf, pathKey, pathRange, seqRange, tableRange } from '@markco/replica/store/key';
import type { KeyRange, Store, StoreWrite } from '@markco/replica/store/store';
import { isOf } from '../agents/held.ts';
import { runsKey } from '../agents/run-rows.ts';
import type { Kept } from '../documents/kept.ts';
import { createPublications } from '../publish/publications.ts';
import type { DocumentsTable } from '../store/documents-table.ts';
import type { Fence } from './fence.ts';
import { accountGone, type Left } from './gone.ts';

/** Rows that are read to be taken out; a file has 8 MiB. */
const AT_ONCE = 16;
const KEYS_AT_ONCE = 1_000;

export type UserData = {
  count(userId: UserId): Promise<{ projects: number; documents: number; published: number }>;
  /** What there is now, deleted documents included. */
  list(userId: UserId): Left;
  /** Here, in memory. */
  forget(userId: UserId): void;
  /** From the store. @param isLast nothing writes any more that builds on what was there */
  remove(userId: UserId, left: Left, isLast: boolean, fence: Fence): Promise<void>;
};

export type UserDataParts = {
  readonly store: Pick<Store, 'read' | 'range'>;
  readonly table: Pick<DocumentsTable, 'removeOf'> | null;
  readonly kept: Pick<Kept, 'catalog' | 'forget' | 'of'>;
};

export function createUserData({ store, table, kept }: UserDataParts): UserData {
  async function drop(range: KeyRange, fence: Fence): Promise<void> {
    for (;;) {
      const batch: StoreWrite[] = [];
      for await (const [key] of store.range({ ...range, limit: AT_ONCE })) batch.push({ key, value: null });
      if (batch.length > 0) await fence.write(batch);
      if (batch.length < AT_ONCE) return;
    }
  }

  async function dropKeys(keys: readonly Uint8Array[], fence: Fence): Promise<void> {
    for (let at = 0; at < keys.length; at += KEYS_AT_ONCE)
      await fence.write(keys.slice(at, at + KEYS_AT_ONCE).map((key) => ({ key, value: null })));
  }

  const publicationsOf = (log: Pick<Fence, 'write'>) => createPublications({ store, log });

  /** Those that were known, and those that came since. */
  async function found(userId: UserId, left: Left): Promise<{ projects: Set<ProjectId>; documents: Set<DocumentId> }> {
    const projects = new Set(left.projects);
    const documents = new Set(left.documents);
    for await (const [, value] of store.range(tableRange('p'))) {
      const { project } = decodeProject(value);
      if (project.userId === userId) projects.add(project.id);
    }
    for await (const [, value] of store.range(tableRange('d'))) {
      const { id, projectId } = decodeRecord(value);
      if (projects.has(projectId)) documents.add(id);
    }
    return { projects, documents };
  }

  /** @returns keys that had versions */
  async function removeRuns(userId: UserId, fence: Fence): Promise<readonly Uint8Array[]> {
    const open: Uint8Array[] = [];
    for await (const [key, value] of store.range(pathRange('n', ['open'])))
      if (new TextDecoder().decode(value) === userId) open.push(key);
    await dropKeys(open, fence);
    const agents: Uint8Array[] = [];
    for await (const [key, value] of store.range(pathRange('n', ['agent']))) if (isOf(value, userId)) agents.push(key);
    await dropKeys(agents, fence);
    await drop(pathRange('n', ['event', userId]), fence);
    await drop(pathRange('n', ['run', userId]), fence);
    return [...agents, runsKey(userId)];
  }

  return {
    async count(userId) {
      const projects = kept.of(userId).list();
      const publications = publicationsOf(noWrites);
      let published = 0;
      for (const { id } of projects) if ((await publications.of(id)) !== undefined) published++;
      const documents = projects.reduce((sum, { id }) => sum + kept.catalog.count(id), 0);
      return { projects: projects.length, documents, published };
    },
    list(userId) {
      const projects = kept
        .of(userId)
        .list()
        .map(({ id }) => id);
      return { projects, documents: projects.flatMap((id) => [...kept.catalog.all(id)].map((record) => record.id)) };
    },
    forget: (userId) => kept.forget(userId, accountGone()),
    async remove(userId, left, isLast, fence) {
      const { projects, documents } = await found(userId, left);
      const publications = publicationsOf(fence);
      // What anybody can read goes first.
      for (const id of projects) {
        const publication = await publications.of(id);
        if (publication !== undefined) await publications.remove(publication);
      }
      await dropKeys([pathKey('b', ['user', userId])], fence);
      for (const id of documents) {
        for (const table of ['u', 'h', 'k'] as const) await drop(seqRange(table, id), fence);
        const mark = keyOf('f', id);
        await drop({ gte: mark, lt: Buffer.concat([mark, new Uint8Array(9).fill(0xff)]) }, fence);
      }
      await dropKeys(
        [...documents].flatMap((id) => [keyOf('s', id), keyOf('d', id)]),
        fence,
      );
      await table?.removeOf(userId);
      for (const id of projects) {
        await drop(pathRange('b', ['bytes', id]), fence);
        await drop(pathRange('b', ['file', id]), fence);
      }
      await dropKeys(
        [...projects].map((id) => keyOf('p', id)),
        fence,
      );
      const ofRuns = await removeRuns(userId, fence);
      if (isLast) await fence.forget([...ofRuns, ...[...documents].flatMap((id) => [keyOf('u', id), keyOf('s', id)])]);
    },
  };
}

const noWrites = { write: () => Promise.reject(new Error('What is only counted is not changed.')) };
