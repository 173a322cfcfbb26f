import { IDBFactory } from 'fake-indexeddb';
import 'fake-indexeddb/auto';
import type { Api } from '@markco/client';
import type { Document, DocumentId } from '@markco/protocol';
import { signal } from '@preact/signals';
import { expect, test } from 'vitest';
import * as z from 'zod/mini';
import { createOwnCopy } from './own-copy.ts';
import { dropUnwantedCopies } from './unwanted-copies.ts';

test('documents of open projects are wanted, those of closed ones and deleted ones are not', async () => {
  const ownCopy = createOwnCopy(new IDBFactory());
  await ownCopy.write('documents:open', [{ id: 'read-elsewhere', title: 'x' }]);
  await ownCopy.write('documents:closed', [{ id: 'of-a-closed-project' }]);
  const asked: boolean[] = [];
  await dropUnwantedCopies(
    {
      client: { api: (async () => ({ projects: [{ id: 'open' }, { id: 'in-view' }] })) as unknown as Api },
      ownCopy,
      workspace: { documents: signal([{ id: 'in-view-document' } as Document]) },
      copies: {
        drop: async (isWanted) => {
          for (const id of ['read-elsewhere', 'in-view-document', 'of-a-closed-project', 'deleted'])
            asked.push(isWanted(id as DocumentId));
          return 2;
        },
      },
    },
    AbortSignal.timeout(5_000),
  );
  expect(asked).toEqual([true, true, false, false]);
  const Any = z.array(z.object({ id: z.string() }));
  expect(await ownCopy.read('documents:closed', Any)).toBeUndefined();
  expect(await ownCopy.read('documents:open', Any)).toEqual([{ id: 'read-elsewhere' }]);
});

test('without an answer of the device nothing is dropped', async () => {
  const dropped: string[] = [];
  const dropping = dropUnwantedCopies(
    {
      client: { api: (() => Promise.reject(new Error('away'))) as unknown as Api },
      ownCopy: createOwnCopy(new IDBFactory()),
      workspace: { documents: signal(undefined) },
      copies: { drop: async () => dropped.push('all') },
    },
    AbortSignal.timeout(5_000),
  );
  await expect(dropping).rejects.toThrow('away');
  expect(dropped).toEqual([]);
});
