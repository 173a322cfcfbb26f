/** What another device of the same person may ask a device for over the mesh, taken at its worst: it knows the token. */
import { PASSED_ON } from '@markco/node/mesh/sessions/sessions-anywhere';
import { ROUTES, type RouteName } from '@markco/protocol';
import { expect, test } from 'vitest';
import { joinAsPeer } from './mesh-peer.fixture.ts';
import { start } from './paired.fixture.ts';

/** Of the device alone, and nothing that is its person's: its runs, its sessions by their ids, and where a run would go. */
const FOR_DEVICES: readonly RouteName[] = [
  'health',
  'run',
  'runs',
  'runDecision',
  'placement',
  'runOutput',
  'mrpRunAssets',
  'sessions',
  'mrpSessions',
  ...PASSED_ON,
];

test('KEY-1 another device is told nothing but the runs and sessions of this one, and not its recovery words', async () => {
  await using laptop = await start('laptop');
  await using peer = await joinAsPeer(laptop);
  const headers = { authorization: `Bearer ${laptop.token}`, cookie: `session_token=${laptop.token}` };
  // The words are there: it is this way to ask that does not lead to them.
  expect((await laptop.ask(ROUTES.recoveryPhrase.path)).status).toBe(200);
  for (const name of Object.keys(ROUTES) as RouteName[]) {
    const { method, path } = ROUTES[name];
    const { status, text } = await peer.ask({ method, path, headers });
    const isRefused = status === 404 && text.includes('There is nothing here for other devices.');
    expect([name, isRefused]).toEqual([name, !FOR_DEVICES.includes(name)]);
  }
});
