import type { Cloud } from '@markco/protocol';
import { expect, test } from 'vitest';
import { cloudModeWords, modeWords } from './sync-mode-words.ts';

test('the mode between a device and its cloud is said where it is not the usual one, and only then', () => {
  const cloud = { state: 'connected', url: 'http://cloud', since: new Date(0).toISOString() } satisfies Cloud;
  expect(modeWords({ state: 'none' })).toEqual([]);
  expect(modeWords(cloud)).toEqual([]);
  expect(modeWords({ ...cloud, mode: 'relay_primary' })).toEqual([]);
  expect(modeWords({ ...cloud, mode: 'mirror' })).toEqual([expect.stringContaining('SYNC_MODE=mirror')]);
  expect(modeWords({ ...cloud, state: 'off', mode: 'legacy' })).toEqual([expect.stringContaining('SYNC_MODE=legacy')]);
  for (const mode of ['mirror', 'legacy'] as const) expect(cloudModeWords(mode)).toContain(`SYNC_MODE=${mode}`);
});
