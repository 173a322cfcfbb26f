/** What the commands about other devices print and end with. */
import { expect } from 'vitest';
import { deviceAnswer, test } from './desk.fixture.ts';

const since = '2026-11-21T08:00:00.000Z';
const laptop = {
  ...deviceAnswer.device,
  capability: {
    ...{ deviceId: deviceAnswer.device.id, online: true, heartbeatAt: since, runtimes: [] },
    resources: { network: 'wifi' },
    policy: { allowRemoteExecution: true, allowHeavyJobs: true, allowWhenOnBattery: true, maxConcurrentRuns: 4 },
  },
};
const offline = { state: 'offline', since, why: 'It left.', paths: [] };
const box = { ...laptop, id: '019a8f3c-0000-7000-8000-00000000000c', name: 'box', connection: offline };
const nas = { ...box, id: '019a8f3c-0000-7000-8000-00000000000d', name: 'nas' };
const path = { address: '/ip4/192.168.1.9/tcp/7718', relayed: false, sameNetwork: true };

test('ping says by which way a device is reached, and ends by it: 0 direct, 1 relayed, 2 not reached', async ({
  desk,
}) => {
  expect(await desk.markco('ping', 'box')).toMatchObject({ code: 2, err: expect.stringContaining('markco up') });
  await desk.device();
  desk.answers.set('GET /api/devices', { devices: [laptop, box] });
  const ping = `POST /api/devices/${box.id}/ping`;
  desk.answers.set(ping, { answered: true, roundTripMs: 4.25, path });
  expect(await desk.markco('ping', 'box', '-c', '2')).toEqual({
    code: 0,
    out: 'box  direct over this network  4.3 ms\n'.repeat(2),
    err: '',
  });
  desk.answers.set(ping, { answered: true, roundTripMs: 92, path: { ...path, sameNetwork: false } });
  expect(await desk.markco('ping', 'box', '-c', '1')).toMatchObject({ code: 0, out: 'box  direct  92 ms\n' });
  const relayed = { ...path, relayed: true, relayedBy: 'nas', sameNetwork: false };
  desk.answers.set(ping, { answered: true, roundTripMs: 92, path: relayed });
  expect(await desk.markco('ping', 'box', '-c', '1')).toMatchObject({ code: 1, out: 'box  relayed by nas  92 ms\n' });
  const not = { answered: false, since, why: 'It does not answer.', fix: 'Wake it.' };
  desk.answers.set(ping, not);
  expect(await desk.markco('ping', 'box')).toMatchObject({
    code: 2,
    out: expect.stringMatching(/^box {2}not reached since \d\d:\d\d: It does not answer\.\n→ Wake it\.\n$/),
  });
  const asJson = await desk.markco('ping', 'box', '--json');
  expect(asJson.code).toBe(2);
  expect(JSON.parse(asJson.out)).toEqual({ device: { id: box.id, name: 'box' }, roundTripsMs: [], reach: not });
  expect(await desk.markco('ping', 'moon')).toMatchObject({ code: 2, err: expect.stringContaining('No device is') });
  expect(await desk.markco('ping', 'box', '-c', '0')).toMatchObject({ code: 2, out: '' });
});

test('a code whose command is stopped is good for nothing', async ({ desk }) => {
  await desk.device();
  const offered = { code: '42718830', link: 'markco:pair#x', expiresAt: since, state: 'waiting' };
  desk.answers.set('POST /api/pairing', { offered });
  desk.answers.set('GET /api/pairing', { offered });
  desk.answers.set('DELETE /api/pairing', {});
  const pairing = desk.markco('pair');
  await expect.poll(() => desk.asked.some(({ request }) => request === 'GET /api/pairing')).toBe(true);
  desk.stop.abort();
  expect(await pairing).toMatchObject({ code: 130, out: expect.stringContaining('4271 8830') });
  expect(desk.asked.at(-1)?.request).toBe('DELETE /api/pairing');
});

test('peers lists each way to each other device, and why there is none', async ({ desk }) => {
  await desk.device();
  desk.answers.set('GET /api/devices', { devices: [laptop] });
  expect(await desk.markco('peers')).toMatchObject({ code: 0, out: '', err: expect.stringContaining('markco pair') });
  const connected = { ...box, connection: { state: 'connected', since, paths: [{ ...path, roundTripMs: 4 }] } };
  desk.answers.set('GET /api/devices', { devices: [laptop, connected, nas] });
  const { code, out } = await desk.markco('peers');
  expect(code).toBe(0);
  expect(out).toMatch(
    /\nbox +connected +direct over this network +\/ip4\/192\.168\.1\.9\/tcp\/7718 +4\.0 ms +\d\d:\d\d\n/,
  );
  expect(out).toMatch(/\nnas +offline +\d\d:\d\d +It left\.\n/);
  expect(JSON.parse((await desk.markco('peers', '--json')).out)).toMatchObject({ peers: [{ name: 'box' }, {}] });
});

test('netcheck says what a device can do on the network, also when it is the only one', async ({ desk }) => {
  await desk.device();
  const alone = {
    addresses: [],
    neighbors: { lookedFor: false, answered: 0 },
    ipv4: { usable: true, listening: false },
    ipv6: { usable: false, listening: false },
    relays: [],
    devices: [],
  };
  desk.answers.set('GET /api/netcheck', alone);
  expect(await desk.markco('netcheck')).toEqual({
    code: 0,
    out:
      'listening  no: this is your only device. Add another with: markco pair\n' +
      'IPv4       this machine has an address\n' +
      'IPv6       this machine has no such address\n' +
      'neighbors  not looked for while this is your only device\n' +
      'relay      none: devices are reached directly or not at all. On one that all reach: markco up --relay\n',
    err: '',
  });
  const reach = { answered: true, roundTripMs: 4.25, path };
  const some = {
    ...alone,
    addresses: ['/ip4/192.168.1.7/tcp/7718'],
    neighbors: { lookedFor: true, answered: 1 },
    ipv4: { usable: true, listening: true },
    relays: [
      { deviceId: nas.id, name: 'nas', address: '/ip4/203.0.113.7/tcp/7718', roundTripMs: 12, reserved: true },
      { deviceId: nas.id, name: 'old', reserved: false, why: 'It left.' },
    ],
    devices: [{ deviceId: box.id, name: 'box', reach }],
  };
  desk.answers.set('GET /api/netcheck', some);
  expect((await desk.markco('netcheck')).out).toMatch(
    /^listening {2}\/ip4\/192[^]*neighbors {2}looked for; 1 answered\nrelay {6}nas at \/ip4\/203\.0\.113\.7\/tcp\/7718, 12 ms: others reach this device through it\nrelay {6}old: not in use, It left\.\nbox {8}direct over this network, 4\.3 ms\n$/,
  );
  const at = { deviceId: nas.id, name: 'nas', address: '/ip4/203.0.113.9/tcp/7718' };
  const not = { ...at, answered: false, why: 'no answer' };
  desk.answers.set('GET /api/netcheck', { ...some, outside: [not] });
  expect((await desk.markco('netcheck')).out).toContain(
    '\noutside    nas does not reach this device at /ip4/203.0.113.9/tcp/7718: no answer. For direct connections, ' +
      'forward TCP port 7718 to it in your router\n',
  );
  desk.answers.set('GET /api/netcheck', { ...some, outside: [not, { ...at, name: 'box', answered: true }] });
  expect((await desk.markco('netcheck')).out).toMatch(
    /\nneighbors[^\n]*\noutside {4}box reaches this device at \/ip4\/203\.0\.113\.9\/tcp\/7718\nrelay/,
  );
});

test('trace lists every address that was tried, how, how long, and what answered, and ends as ping does', async ({
  desk,
}) => {
  await desk.device();
  desk.answers.set('GET /api/devices', { devices: [laptop, box] });
  const relayed = { ...path, relayed: true, relayedBy: 'nas', sameNetwork: false };
  desk.answers.set(`POST /api/devices/${box.id}/trace`, {
    reach: { answered: true, roundTripMs: 12, path: relayed },
    tries: [
      { address: '/ip4/10.0.3.2/tcp/7718', how: 'tcp', ms: 4000, answered: false, why: 'no answer', inUse: false },
      { address: '/p2p/Nas/p2p-circuit', how: 'relayed', relayedBy: 'nas', ms: 18, answered: true, inUse: true },
    ],
  });
  expect(await desk.markco('trace', 'box')).toEqual({
    code: 1,
    out:
      'box  relayed by nas  12 ms\n' +
      '  direct          no answer (4000 ms)   /ip4/10.0.3.2/tcp/7718\n' +
      '  relayed by nas  answered after 18 ms  /p2p/Nas/p2p-circuit  in use\n',
    err: '',
  });
  const reach = { answered: false, since, why: 'It does not answer.', fix: 'Wake it.' };
  desk.answers.set(`POST /api/devices/${box.id}/trace`, { reach, tries: [] });
  expect(await desk.markco('trace', 'box')).toMatchObject({
    code: 2,
    out: expect.stringMatching(/not reached since [^\n]*\n {2}no address of it is known\n→ Wake it\.\n$/),
  });
  expect(JSON.parse((await desk.markco('trace', 'box', '--json')).out)).toMatchObject({ reach, tries: [] });
});

test('status is one screen, with the first thing that is wrong and what to do about it', async ({ desk }) => {
  await desk.device();
  const path4 = { ...path, roundTripMs: 4 };
  const online = { ...box, connection: { state: 'connected', since, paths: [path4] } };
  const runs = (state: string) => `GET /api/runs?state=${state}&limit=1000`;
  for (const [request, answer] of [
    ['GET /stats', { storage: 'ok' }],
    ['GET /api/device', deviceAnswer],
    ['GET /api/device/policy', { policy: laptop.capability.policy }],
    ['GET /api/cloud', { state: 'none' }],
    ['GET /api/devices', { devices: [laptop, online] }],
    ['GET /api/projects', { projects: [] }],
    ['GET /api/projects-elsewhere', { projects: [] }],
    [runs('running'), { runs: [] }],
    [runs('queued'), { runs: [] }],
    [runs('scheduled'), { runs: [] }],
  ] as const)
    desk.answers.set(request, answer);
  expect(await desk.markco('status')).toEqual({
    code: 0,
    out:
      'device    laptop (this one), MarkCo 0.1.0 on port 7717\n' +
      'devices   2 of 2 online\n' +
      '          box  online, direct over this network, 4.0 ms\n' +
      'projects  0 open\n' +
      'runs      0 running, 0 waiting\n' +
      'runs on   Python\n' +
      'storage   ok\n' +
      '✓ Nothing is wrong.\n',
    err: '',
  });
  desk.answers.set('GET /api/devices', { devices: [laptop, online, nas] });
  expect(await desk.markco('status')).toMatchObject({
    code: 0,
    out: expect.stringMatching(/\n✗ nas is offline since \d\d:\d\d: It left\.\n→ markco ping nas\n$/),
  });
  const cloud = { url: 'https://cloud.example.com', since };
  desk.answers.set('GET /api/cloud', { ...cloud, state: 'connected' });
  expect((await desk.markco('status')).out).toContain('\ncloud     https://cloud.example.com  online\n');
  const unsaved = { documents: 2, since };
  desk.answers.set('GET /api/cloud', { ...cloud, state: 'connected', unsaved });
  const late = (await desk.markco('status')).out;
  expect(late).toMatch(/ {2}online, lacks what changed in 2 documents since /);
  expect(late).toMatch(
    /✗ https:\/\/cloud\.example\.com has not said since .* that it has all of 2 documents\.\n→ They are saved on/,
  );
  const doubts = [{ since, message: 'It lacks edits of page.' }];
  desk.answers.set('GET /api/cloud', { ...cloud, state: 'connected', unsaved, doubts });
  expect((await desk.markco('status')).out).toMatch(
    /✗ Something is wrong with https:[^ ]+ since .*\. It lacks edits of page\.\n/,
  );
  desk.answers.set('GET /api/cloud', { ...cloud, state: 'refused', why: 'It is not yours.' });
  expect((await desk.markco('status')).out).toMatch(
    /\ncloud {5}https:\/\/cloud\.example\.com {2}refuses this device since [^\n]+\n(.*\n)*✗ https:\/\/cloud\.example\.com refuses this device: It is not yours\.\n/,
  );
  desk.answers.set('GET /stats', { storage: 'disk_full' });
  const { out } = await desk.markco('status');
  expect(out).toMatch(/\nstorage {3}disk_full\n✗ The disk is full[^\n]*\n→ Free some space[^\n]*\n$/);
  expect(JSON.parse((await desk.markco('status', '--json')).out)).toMatchObject({
    problem: { what: expect.stringContaining('The disk is full') },
  });
});

test('login takes the line of `markco cloud` and nothing else, and logout says what was left', async ({ desk }) => {
  await desk.device();
  for (const typed of [
    'cloud.example.com',
    'https://cloud.example.com/page',
    'ftp://cloud.example.com/#token=abc',
    'https://x/#token=',
  ])
    expect(await desk.markco('login', typed)).toMatchObject({
      ...{ code: 1, out: '', err: expect.stringContaining('Give the whole line that `markco cloud` printed') },
    });
  const cloud = { state: 'connected', url: 'https://cloud.example.com', since };
  desk.answers.set('POST /api/cloud', cloud);
  expect(await desk.markco('login', 'https://cloud.example.com/#token=abc')).toMatchObject({
    ...{ code: 0, out: 'This device keeps its documents with https://cloud.example.com from now on.\n', err: '' },
  });
  expect(desk.asked.at(-1)).toMatchObject({ body: { url: 'https://cloud.example.com', token: 'abc' } });
  desk.answers.set('GET /api/cloud', cloud);
  desk.answers.set('DELETE /api/cloud', {});
  expect(await desk.markco('logout')).toMatchObject({ code: 0, out: expect.stringContaining('nothing more') });
  desk.answers.set('GET /api/cloud', { state: 'none' });
  expect(await desk.markco('logout')).toMatchObject({ code: 0, out: 'This device is with no cloud.\n' });
});

test('login without a token shows a code and waits for a yes, and says when there is none', async ({ desk }) => {
  await desk.device();
  const waiting = {
    ...{ state: 'waiting', page: 'https://cloud.example.com/device', code: 'BCDF-GHJK', fingerprint: '0A1B-2C3D' },
    endsAt: since,
  };
  desk.answers.set('POST /api/cloud/ask', waiting);
  desk.answers.set('GET /api/cloud/ask', { state: 'joined' });
  desk.answers.set('GET /api/cloud', { state: 'connected', url: 'https://cloud.example.com', since });
  const joined = await desk.markco('login', 'https://cloud.example.com');
  expect(joined).toMatchObject({ code: 0, out: expect.stringContaining('from now on') });
  for (const said of [waiting.page, waiting.code, waiting.fingerprint]) expect(joined.err).toContain(said);
  expect(desk.asked.find(({ request }) => request === 'POST /api/cloud/ask')?.body).toEqual({
    url: 'https://cloud.example.com',
  });
  desk.answers.set('GET /api/cloud/ask', { state: 'declined' });
  expect(await desk.markco('login', 'https://cloud.example.com')).toMatchObject({
    ...{ code: 1, err: expect.stringContaining('This device was not let in') },
  });
});

test('the recovery words are shown on a terminal or with --yes, and are not even fetched otherwise', async ({
  desk,
}) => {
  await desk.device();
  const words = Array.from({ length: 24 }, (_, index) => `word${index}`);
  const request = 'GET /api/recovery-phrase';
  desk.answers.set(request, { words });
  for (const typed of [['recovery'], ['recovery', '--json']])
    expect(await desk.markco(...typed)).toMatchObject({
      ...{ code: 1, out: '', err: expect.stringContaining('give --yes if that is meant') },
    });
  expect(desk.asked.filter((asked) => asked.request === request)).toEqual([]);
  const piped = await desk.markco('recovery', '--yes');
  expect(piped).toMatchObject({ code: 0, err: expect.stringContaining('Whoever has these words') });
  expect(piped.out.match(/\d+ word\d+/g)).toEqual(words.map((word, index) => `${index + 1} ${word}`));
  expect(piped.out.trimEnd().split('\n')).toHaveLength(6);
  expect(JSON.parse((await desk.markco('recovery', '--yes', '--json')).out)).toEqual({ words });
  desk.isTerminal = true;
  expect(await desk.markco('recovery')).toMatchObject({ code: 0, out: piped.out });
  desk.answers.delete(request);
  expect(await desk.markco('recovery')).toMatchObject({ code: 1, out: '' });
});

test('sessions lists those of all devices, acts on one elsewhere, and says which device did not answer', async ({
  desk,
}) => {
  await desk.device();
  const of = { projectId: '019a8f3c-0000-7000-8000-000000000001', language: 'python', hostType: 'device', queued: 0 };
  const user = { userId: '019a8f3c-0000-7000-8000-000000000002', updatedAt: since, state: 'running' };
  const here = { ...of, ...user, id: '019a8f3c-0000-7000-8000-000000000011' };
  const there = { ...here, id: '029a8f3c-0000-7000-8000-000000000012', deviceName: 'box' };
  desk.answers.set('GET /api/projects', { projects: [] });
  desk.answers.set('GET /api/sessions', { sessions: [here] });
  expect((await desk.markco('sessions')).out).not.toContain('DEVICE');
  desk.answers.set('GET /api/sessions', {
    sessions: [here, there],
    silentDevices: [{ deviceId: nas.id, name: 'nas' }],
  });
  const { out, err } = await desk.markco('sessions');
  expect(out).toMatch(/^SESSION +DEVICE +PROJECT[^\n]*\n019a8f3c +python[^\n]*\n029a8f3c +box +python/);
  expect(err).toBe('nas does not answer now. Its sessions are not listed.\n');
  const { queued: _, deviceName: __, ...session } = there;
  desk.answers.set(`POST /api/sessions/${there.id}/restart`, session);
  for (const typed of ['python@box', '029'])
    expect(await desk.markco('sessions', 'restart', typed)).toMatchObject({ code: 0 });
  expect(desk.asked.filter(({ request }) => request.endsWith('/restart'))).toHaveLength(2);
});
