import { newId, type DocumentId, type ProjectId } from '@markco/protocol';
import type { DocumentRecord } from '@markco/replica/documents/document-record';
import type { RoomChange } from '@markco/replica/documents/changes';
import { createSimulatedDisk } from '@markco/replica/store/simulated';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import * as Y from 'yjs';
import { keepFacts } from './facts.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** One document, which takes so long to read. */
function setUp(readMs: number) {
  const ids = { now: Date.now, randomBytes };
  const id = newId<DocumentId>(ids);
  let record: DocumentRecord = {
    ...{ id, projectId: newId<ProjectId>(ids), path: 'page', ext: '.md', sizeBytes: 0, contentHash: '', file: null },
    ...{ createdAt: new Date().toISOString(), updatedAt: new Date().toISOString() },
  };
  const doc = new Y.Doc();
  let change: (change: RoomChange) => void = () => undefined;
  let reads = 0;
  const facts = keepFacts({
    store: createSimulatedDisk().store,
    process: new Uint8Array(8),
    isShared: false,
    rooms: { onChange: (listener) => ((change = listener), () => undefined) },
    catalog: {
      ...{ all: () => [record], get: () => record, project: () => undefined, projects: () => [] },
      onChange: () => () => undefined,
      put: async ([changed]) => void (record = changed ?? record),
    },
    documents: {
      async inspect(_, work) {
        reads++;
        await new Promise((resolve) => setTimeout(resolve, readMs));
        return work(doc, 1);
      },
    },
    table: null,
    now: Date.now,
    onTrouble: (doing, cause) => {
      throw new Error(doing, { cause });
    },
  });
  return {
    facts,
    reads: () => reads,
    title: () => record.title,
    write(text: string) {
      const content = doc.getText('content');
      content.delete(0, content.length);
      content.insert(0, text);
      change({ id, seq: 1, origin: 'page' } as RoomChange);
    },
  };
}

test('a document that is written without a rest is read at the latest after some seconds', async () => {
  const { facts, reads, title, write } = setUp(1);
  for (let ms = 0; ms < 10_000; ms += 100) {
    write(`# At ${ms}`);
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(reads()).toBeGreaterThanOrEqual(3);
  expect(title()).toMatch(/^At \d{4}$/);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(title()).toBe('At 9900');
  await facts.close();
});

test('where reading takes long, who writes has nine tenths of the time', async () => {
  const { facts, reads, title, write } = setUp(400);
  for (let ms = 0; ms < 60_000; ms += 100) {
    write(`# At ${ms}`);
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(reads()).toBeGreaterThanOrEqual(12);
  expect(reads()).toBeLessThanOrEqual(16);
  write('# The last');
  await vi.advanceTimersByTimeAsync(6_000);
  expect(title()).toBe('The last');
  await facts.close();
});
