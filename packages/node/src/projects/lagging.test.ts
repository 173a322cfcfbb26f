import { newId, type DocumentId } from '@markco/protocol';
import { expect, test } from 'vitest';
import { createLagging } from './lagging.ts';

test('a project lags from the first file that is not written until none is left', () => {
  const steps: string[] = [];
  const lagging = createLagging((event) => steps.push(event));
  const ids = { now: () => 0, randomBytes: (length: number) => new Uint8Array(length).fill(steps.length + 1) };
  const [one, two] = [
    newId<DocumentId>(ids),
    newId<DocumentId>({ ...ids, randomBytes: (n) => new Uint8Array(n).fill(9) }),
  ];
  const failed = (id: DocumentId): void =>
    lagging.hear({ type: 'write-failed', id, filePath: 'a.md', code: 'disk_full', message: 'The disk is full.' });
  failed(one);
  failed(one);
  failed(two);
  lagging.hear({ type: 'changed', id: one, filePath: 'a.md' });
  expect([steps, lagging.lags]).toEqual([['fell-behind'], true]);
  lagging.hear({ type: 'write-recovered', id: one, filePath: 'a.md' });
  expect(steps).toEqual(['fell-behind']);
  lagging.hear({ type: 'removed', id: two, filePath: 'b.md' });
  expect([steps, lagging.lags]).toEqual([['fell-behind', 'caught-up'], false]);
});
