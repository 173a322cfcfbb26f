import { newId, type Change, type ProjectId } from '@markco/protocol';
import { expect, test } from 'vitest';
import { readHistory } from './history.ts';
import { writeOwn, type Own } from './own.ts';
import { ids, make, ownOf, projectOf } from './record-device.fixture.ts';

function withoutTime(change: Change): object & Pick<Change, 'what'> {
  return Object.fromEntries(Object.entries(change).filter(([field]) => field !== 'at' && field !== 'by')) as Change;
}

test('its history says in facts what each device did to its own, newest first', async () => {
  const [laptop, box] = [await make(), await make()];
  const project = projectOf(newId<ProjectId>(ids), 'Thesis');
  const say = (state: 'attached' | 'stale' | 'detached', more: Partial<Own> = {}) =>
    laptop.record.change((draft) =>
      writeOwn(
        draft,
        ownOf(laptop.id, { projects: [project], attachments: new Map([[project.id, state]]), ...more }, 'laptop'),
      ),
    );
  for (const state of ['attached', 'stale', 'attached', 'detached'] as const) await say(state);
  await say('detached', { added: [box.id] });
  await laptop.record.change((draft) => {
    const own = ownOf(laptop.id, { removed: [box.id] }, 'studio');
    const policy = { ...own.device.policy, allowRemoteExecution: false };
    writeOwn(draft, { ...own, device: { ...own.device, policy, version: '0.2.0', opensAll: true } });
    // Of another device nobody is believed.
    draft.devices[box.id] = { name: 'box' };
    draft.attachments[box.id] = { [project.id]: 'attached' };
  });
  const history = readHistory(laptop.record.raw(), 20);
  expect(new Set(history.map(({ by, at }) => `${by.name} ${at}`))).toEqual(
    new Set(['studio 2026-11-12T14:02:00.000Z']),
  );
  expect(history.map(withoutTime).toSorted((a, b) => (a.what < b.what ? -1 : 1))).toEqual([
    { what: 'added', device: { id: box.id, name: 'box' } },
    { what: 'called', name: 'studio' },
    { what: 'caught-up', project: { id: project.id, displayName: 'Thesis' } },
    { what: 'closed', project: { id: project.id, displayName: 'Thesis' } },
    { what: 'joined' },
    { what: 'lags', project: { id: project.id, displayName: 'Thesis' } },
    { what: 'opened', project: { id: project.id, displayName: 'Thesis' } },
    { what: 'opens-all', on: true },
    { what: 'policy', policy: { allowRemoteExecution: false } },
    { what: 'removed', device: { id: box.id, name: 'box' } },
    { what: 'upgraded', version: '0.2.0' },
  ]);
  expect(readHistory(laptop.record.raw(), 3)).toEqual(history.slice(0, 3));
});
