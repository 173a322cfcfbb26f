import type { DocumentStatus } from '@markco/client';
import { expect, test } from 'vitest';
import { saveStatus, type SaveFacts, type SaveStatus } from './save-status.ts';

const ready: DocumentStatus = { phase: 'ready', pendingEdits: 0, unkeptEdits: 0, savedAt: 1_000, synced: true };
const trouble = { path: '~/notes', code: 'disk_full', message: 'No space left.' };

const copies = [
  { name: 'laptop', has: true, online: true, since: 1 },
  { name: 'desk', has: true, online: true, since: 2 },
];

const table: readonly (readonly [string, SaveFacts, SaveStatus])[] = [
  ['on the disk', { connection: 'online', document: ready }, { kind: 'saved', at: 1_000 }],
  [
    'on the disk, no time known',
    { connection: 'online', document: { phase: 'ready', pendingEdits: 0, unkeptEdits: 0, synced: true } },
    { kind: 'saved' },
  ],
  [
    'on the disks of two devices',
    { connection: 'online', document: ready, copies },
    { kind: 'saved', at: 1_000, copies },
  ],
  [
    'on two disks, and an edit on its way',
    { connection: 'online', document: { ...ready, pendingEdits: 1 }, copies },
    { kind: 'saving' },
  ],
  ['on two disks, and no device', { connection: 'offline', document: ready, copies }, { kind: 'offline', edits: 0 }],
  [
    'on two disks, and a moment without the device',
    { connection: 'connecting', document: ready, copies },
    { kind: 'saved', at: 1_000 },
  ],
  ['an edit on its way', { connection: 'online', document: { ...ready, pendingEdits: 1 } }, { kind: 'saving' }],
  ['not compared yet', { connection: 'online', document: { ...ready, synced: false } }, { kind: 'saving' }],
  ['no device, nothing waits', { connection: 'offline', document: ready }, { kind: 'offline', edits: 0 }],
  [
    'no device, three edits',
    { connection: 'offline', document: { ...ready, pendingEdits: 3 } },
    { kind: 'offline', edits: 3 },
  ],
  [
    'no device, three edits, the last of this instant',
    { connection: 'offline', document: { ...ready, pendingEdits: 3, unkeptEdits: 1 } },
    { kind: 'offline', edits: 2 },
  ],
  [
    'no device, the first edit, of this instant',
    { connection: 'offline', document: { ...ready, pendingEdits: 1, unkeptEdits: 1 } },
    { kind: 'keeping' },
  ],
  [
    'no device, and a slow disk',
    { connection: 'offline', document: { ...ready, pendingEdits: 3, unkeptEdits: 1, copyTrouble: 'slow' } },
    { kind: 'keeping' },
  ],
  [
    'no device, and no room in this browser',
    { connection: 'offline', document: { ...ready, pendingEdits: 3, unkeptEdits: 1, copyTrouble: 'full' } },
    { kind: 'not-kept', reason: 'full' },
  ],
  [
    'no device, and a private window',
    { connection: 'offline', document: { ...ready, copyTrouble: 'refused' } },
    { kind: 'not-kept', reason: 'refused' },
  ],
  [
    'a private window, but the device answers',
    { connection: 'online', document: { ...ready, copyTrouble: 'refused' } },
    { kind: 'saved', at: 1_000 },
  ],
  ['a moment without the device', { connection: 'connecting', document: ready }, { kind: 'saved', at: 1_000 }],
  [
    'a moment without the device, with an edit',
    { connection: 'connecting', document: { ...ready, pendingEdits: 2 } },
    { kind: 'saving' },
  ],
  [
    'no device since the page was opened',
    { connection: 'offline', document: { phase: 'ready', pendingEdits: 0, unkeptEdits: 0, synced: false } },
    { kind: 'offline', edits: undefined },
  ],
  [
    'no device since the page was opened, and edits',
    { connection: 'offline', document: { phase: 'ready', pendingEdits: 2, unkeptEdits: 0, synced: false } },
    { kind: 'offline', edits: 2 },
  ],
  [
    'the device is being reached',
    { connection: 'connecting', document: { phase: 'ready', pendingEdits: 0, unkeptEdits: 0, synced: false } },
    { kind: 'connecting' },
  ],
  [
    'loading',
    { connection: 'online', document: { phase: 'loading', pendingEdits: 0, unkeptEdits: 0, synced: false } },
    { kind: 'loading' },
  ],
  [
    'disk full',
    { connection: 'online', document: ready, trouble },
    { kind: 'cannot-write', path: '~/notes', reason: 'disk-full', message: 'No space left.' },
  ],
  [
    'no right to write',
    { connection: 'online', document: ready, trouble: { ...trouble, code: 'EACCES' } },
    { kind: 'cannot-write', path: '~/notes', reason: 'no-permission', message: 'No space left.' },
  ],
  [
    'disk full and offline',
    { connection: 'offline', document: { ...ready, pendingEdits: 1 }, trouble },
    { kind: 'offline', edits: 1 },
  ],
  [
    'it cannot be opened',
    {
      connection: 'online',
      document: { ...ready, phase: 'failed', failure: { code: 'storage_failed', message: 'Broken.' } },
    },
    { kind: 'failed', message: 'Broken.' },
  ],
  [
    'the device refuses an edit',
    { connection: 'online', document: { ...ready, failure: { code: 'too_large', message: 'Too large.' } } },
    { kind: 'failed', message: 'Too large.' },
  ],
];

test.each(table)('%s', (_name, facts, status) => {
  expect(saveStatus(facts)).toEqual(status);
});

test('saved is never said while an edit waits or the document is not known to be equal', () => {
  for (const connection of ['online', 'offline', 'connecting'] as const)
    for (const pendingEdits of [0, 1])
      for (const synced of [true, false]) {
        const document = { phase: 'ready', pendingEdits, unkeptEdits: 0, savedAt: 1, synced } as const;
        const status = saveStatus({ connection, document });
        if (pendingEdits > 0 || (connection === 'online' && !synced)) expect(status.kind).not.toBe('saved');
      }
});
