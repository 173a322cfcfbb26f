import { newId, type DocumentId } from '@markco/protocol';
import { keyOf, pathKey } from '@markco/replica/store/key';
import { createSharedMemory } from '@markco/replica/store/shared-memory.fixture';
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { openFence, Superseded } from './fence.ts';

test('of two processes that take out the same one goes on, and the other changes nothing more, however late it is', async () => {
  const memory = createSharedMemory(() => 0.5);
  const key = pathKey('w', ['gone', 'account']);
  const id = newId<DocumentId>({ now: Date.now, randomBytes });
  const [document, row] = [keyOf('u', id), keyOf('d', id)];
  const open = async () => {
    const shared = memory.open();
    const log = {
      writeIf: async (change: Parameters<typeof shared.commit>[0][number]) =>
        (await shared.commit([change]))[0] === true,
    };
    return { shared, fence: await openFence({ log, shared }, key) };
  };
  const [one, two] = [await open(), await open()];
  await one.shared.commit([
    { guard: { key: document, was: 0, next: 3 }, batch: [{ key: row, value: Uint8Array.of(1) }] },
  ]);
  const versionOf = async (): Promise<number | undefined> => (await one.shared.versions('u'))[0]?.version;
  await one.fence.write([]);
  await expect(two.fence.write([{ key: row, value: null }])).rejects.toThrow(Superseded);
  await two.fence.forget([document]);
  expect([await one.shared.read(row), await versionOf()]).toEqual([Uint8Array.of(1), 3]);
  await one.fence.write([{ key: row, value: null }]);
  await one.fence.forget([document]);
  expect([await one.shared.read(row), await versionOf()]).toEqual([undefined, undefined]);
  // Whoever comes later goes on, and then the first is behind.
  const three = await open();
  await three.fence.write([]);
  await expect(one.fence.write([])).rejects.toThrow(Superseded);
});

test('where one process writes alone there is nobody to be behind', async () => {
  const shared = createSharedMemory(() => 0.5).open();
  const log = {
    writeIf: async ({ batch }: { batch: Parameters<typeof shared.write>[0] }) =>
      shared.write(batch, { sync: true }).then(() => true),
  };
  const fence = await openFence({ log, shared: null }, pathKey('w', ['gone', 'account']));
  await fence.write([{ key: Uint8Array.of(1), value: Uint8Array.of(2) }]);
  await fence.forget([Uint8Array.of(1)]);
  expect(await shared.read(Uint8Array.of(1))).toEqual(Uint8Array.of(2));
});
