/** A device that is its user's only one loads nothing of what it takes to have others, whatever it is asked. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually, startDevice } from './device.fixture.ts';

test('ALONE-1 a device that is alone loads neither a network of devices nor their record, until it shows a code', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'markco-loads-'));
  const file = join(folder, 'loads');
  const loads = (): Promise<string> => readFile(file, 'utf8').catch(() => '');
  const recorder = `--import=${join(import.meta.dirname, 'loads-recorder.mjs')}`;
  await using device = await startDevice({
    files: { 'page.md': '# Page\n' },
    env: { NODE_OPTIONS: recorder, LOADS_FILE: file },
  });
  for (const path of [
    '/api/devices',
    '/api/projects-elsewhere',
    '/api/netcheck',
    '/api/pairing',
    '/api/device/preferences',
  ])
    expect((await device.ask(path)).status).toBe(200);
  expect(await device.get('/api/changes')).toEqual({ changes: [] });
  expect(await device.get('/api/device/name', { method: 'PUT', body: { name: 'studio' } })).toMatchObject({
    name: 'studio',
  });
  expect(await device.get('/api/device/preferences', { method: 'PUT', body: { opensAll: true } })).toEqual({
    opensAll: true,
  });
  await device.stop();
  await device.start();
  expect(await device.get<{ device: { name: string } }>('/api/device')).toMatchObject({ device: { name: 'studio' } });
  expect(await device.get('/api/device/preferences')).toEqual({ opensAll: true });
  expect(await loads()).toBe('');
  await device.get('/api/pairing', { method: 'POST' });
  await eventually(
    async () => /^@automerge\/automerge$/m.test(await loads()) && /^libp2p$/m.test(await loads()),
    'both to be loaded',
  );
  await rm(folder, { recursive: true });
});
