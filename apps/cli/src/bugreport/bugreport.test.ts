import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { deviceAnswer, test } from '../desk.fixture.ts';
import { createRedact } from './redact.ts';

const CANARIES = {
  code: 'print("canary-code")',
  said: 'canary-said',
  project: 'Canary Thesis',
  slug: 'canary-thesis',
  device: 'canary-box',
  address: '203.0.113.77',
  address6: '2001:db8:0:1::77',
  peer: '12D3KooWQYV9dGMFoRzNStwpXztXaBUjtPqi6aU76ZgUriHhKust',
  folder: '/srv/canary/papers',
};

const run = {
  id: '019a8f3c-0000-7000-8000-0000000000cc',
  userId: deviceAnswer.user.id,
  projectId: '019a8f3c-0000-7000-8000-0000000000dd',
  sessionId: '019a8f3c-0000-7000-8000-0000000000ee',
  language: 'python',
  code: CANARIES.code,
  state: 'failed',
  routedTo: { hostType: 'device', reason: 'availability', why: `${CANARIES.device} suits best.` },
  createdAt: '2026-11-21T08:00:00.000Z',
  error: { type: 'ValueError', message: CANARIES.said },
};

test('a report has what happened and not whose, where or what: no canary gets out', async ({ desk }) => {
  await desk.device();
  desk.answers.set('GET /api/device', { ...deviceAnswer, home: CANARIES.folder });
  desk.answers.set('GET /api/devices', {
    devices: [
      {
        ...deviceAnswer.device,
        name: CANARIES.device,
        capability: {
          ...{ deviceId: deviceAnswer.device.id, online: false, heartbeatAt: run.createdAt, runtimes: [] },
          resources: { network: 'wifi' },
          policy: { allowRemoteExecution: true, allowHeavyJobs: true, allowWhenOnBattery: true, maxConcurrentRuns: 4 },
        },
        connection: {
          ...{ state: 'offline', since: run.createdAt },
          why: `${CANARIES.device} did not answer at /ip4/${CANARIES.address}/tcp/7718/p2p/${CANARIES.peer}`,
          paths: [{ address: `/ip6/${CANARIES.address6}/tcp/7718`, relayed: false, sameNetwork: false }],
        },
      },
    ],
  });
  desk.answers.set('GET /api/projects', {
    projects: [
      {
        ...{ id: run.projectId, userId: run.userId, slug: CANARIES.slug, displayName: CANARIES.project },
        ...{ configPath: 'mrmd.md', source: 'opened-local', syncMode: 'active', visibility: 'private' },
        ...{ createdAt: run.createdAt, updatedAt: run.createdAt, localRootPath: CANARIES.folder },
      },
    ],
  });
  desk.answers.set('GET /api/runs?limit=100', { runs: [run] });
  const { code, out } = await desk.markco('bugreport');
  expect([code, out]).toEqual([0, expect.stringContaining('stays on this machine until you send it')]);
  const file = join(desk.home, 'markco-bugreport-2026-11-21.json');
  const text = await readFile(file, 'utf8');
  for (const canary of Object.values(CANARIES)) expect(text.toLowerCase()).not.toContain(canary.toLowerCase());
  expect(text).not.toContain(desk.home);
  const { device } = JSON.parse(text) as {
    device: { devices: { devices: { name: string; connection: { why: string } }[] } };
  };
  const [one] = device.devices.devices;
  expect(one?.connection.why).toMatch(
    new RegExp(`^${one?.name} did not answer at /ip4/address-\\d+/tcp/7718/p2p/peer-1$`),
  );
  expect(text).toContain('"error": "ValueError"');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await desk.markco('bugreport')).toMatchObject({ code: 1, err: expect.stringContaining('--output') });
});

test('without a device the report says so and has the rest', async ({ desk }) => {
  const { code, out } = await desk.markco('bugreport', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ device: 'It is not running.', node: '24.1.0' });
});

test('the same thing has the same stand-in, and what says nothing about anybody stays', () => {
  const redact = createRedact({ names: [{ kind: 'device', name: 'Box' }], homes: ['/home/ada'] });
  expect(
    redact(['box at 10.0.0.7', { BOX: 'a box-office' }, 'in /home/ada/notes/x.md', 'to 10.0.0.7 and 127.0.0.1', 12]),
  ).toEqual(['device-1 at address-1', { 'device-1': 'a box-office' }, 'in ~/path-1', 'to address-1 and 127.0.0.1', 12]);
  expect(redact('mail ada@example.org, token 0123456789abcdef0123456789abcdef, /etc/hosts, 12:04:31')).toBe(
    'mail mail-1, token secret-1, path-2, 12:04:31',
  );
});
