import { signal } from '@preact/signals';
import { expect, test } from 'vitest';
import type { SaveStatus } from './save-status.ts';
import { createShownStatus } from './shown-status.ts';

test('what threatens an edit is shown at once, that it is saved when typing pauses', async () => {
  const actual = signal<SaveStatus | undefined>({ kind: 'saved', at: 1 });
  const shown = createShownStatus(actual);
  const seen: (SaveStatus | undefined)[] = [];
  shown.subscribe((status) => seen.push(status));
  for (let key = 2; key < 6; key++) {
    actual.value = { kind: 'saving' };
    expect(shown.peek()).toEqual({ kind: 'saving' });
    actual.value = { kind: 'saved', at: key };
    expect(shown.peek()).toEqual({ kind: 'saving' });
  }
  await expect.poll(() => shown.peek()).toEqual({ kind: 'saved', at: 5 });
  actual.value = { kind: 'saving' };
  actual.value = { kind: 'saved', at: 6 };
  actual.value = { kind: 'offline', edits: 0 };
  expect(shown.peek()).toEqual({ kind: 'offline', edits: 0 });
  actual.value = { kind: 'saved', at: 7 };
  expect(seen).toEqual([
    { kind: 'saved', at: 1 },
    { kind: 'saving' },
    { kind: 'saved', at: 5 },
    { kind: 'saving' },
    { kind: 'offline', edits: 0 },
    { kind: 'saved', at: 7 },
  ]);
});
