/** Being paired, and finding out by the command line how other devices are reached, or why they are not. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Netcheck, PairingHere } from '@markco/protocol';
import { readPhrase, signerOf } from '@markco/protocol/identity';
import { expect, test } from 'vitest';
import { conforms, isError } from './answers.fixture.ts';
import { eventually, type Device } from './device.fixture.ts';
import { connectedTo, devicesOf, pair, SOON_MS, start } from './paired.fixture.ts';

const MAIN = join(import.meta.dirname, '../../apps/cli/src/main.ts');
/** What a person is promised. */
const ANSWERED_MS = 5_000;

const markco = (device: Device, ...words: string[]) =>
  new Promise<{ code: number; out: string; err: string }>((resolve) => {
    const env = { ...process.env, MARKCO_HOME: device.home, MARKCO_PORT: '0', NO_COLOR: '1' };
    execFile(process.execPath, [MAIN, ...words], { env }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });

test('PAIR-1 a code is replaced by the next, given up by DELETE, and nobody is added while nobody asks', async () => {
  await using laptop = await start('laptop');
  isError(await laptop.ask('/api/pairing/approve', { method: 'POST' }), 409, 'conflict');
  conforms('pairing', await laptop.ask('/api/pairing'));
  expect(await laptop.get('/api/pairing')).toEqual({});
  const first = await laptop.ask('/api/pairing', { method: 'POST' });
  conforms('offerPairing', first);
  const second = await laptop.get<PairingHere>('/api/pairing', { method: 'POST' });
  expect(second.offered).toMatchObject({ code: expect.stringMatching(/^\d{8}$/), state: 'waiting' });
  expect(second.offered?.link).not.toBe((first.json as PairingHere).offered?.link);
  const lasts = Date.parse(second.offered?.expiresAt ?? '') - Date.now();
  expect(lasts).toBeLessThanOrEqual(5 * 60_000);
  expect(lasts).toBeGreaterThan(4 * 60_000);
  isError(await laptop.ask('/api/pairing/approve', { method: 'POST' }), 409, 'conflict');
  conforms('declinePairing', await laptop.ask('/api/pairing', { method: 'DELETE' }));
  expect(await laptop.get('/api/pairing')).toEqual({});
  isError(await laptop.ask('/api/pairing/join', { body: { code: '' } }), 400, 'bad_request');
  expect(await devicesOf(laptop)).toHaveLength(1);
});

test('PAIR-2 REACH-1 REACH-2 REACH-3 KEY-1 two that were paired reach each other, say why not, and one has the words', async () => {
  await using laptop = await start('laptop');
  await using box = await start('box');
  expect(await markco(laptop, 'recovery', '--yes')).toMatchObject({
    ...{ code: 1, out: '', err: expect.stringContaining('no recovery words yet') },
  });
  expect(await markco(laptop, 'netcheck')).toMatchObject({ code: 0, out: expect.stringContaining('only device') });
  // A code that nobody types: it makes this device the first of a user, whose key it keeps after it joins another.
  await box.get('/api/pairing', { method: 'POST' });
  await pair(laptop, box);
  await eventually(
    async () => (await connectedTo(laptop)).includes('box') && (await connectedTo(box)).includes('laptop'),
    'the two to be connected',
    SOON_MS,
  );

  const direct = await markco(laptop, 'ping', 'box', '-c', '2');
  expect(direct).toMatchObject({ code: 0, err: '' });
  expect(direct.out).toMatch(/^(box {2}direct over this network {2}[\d.]+ ms\n){2}$/);
  expect((await markco(laptop, 'peers')).out).toMatch(/\nbox +connected +direct over this network +\/ip4\//);
  expect((await markco(laptop, 'netcheck')).out).toMatch(
    /^listening +\/ip4\/[^]*\nneighbors +not looked for \(MARKCO_MDNS=0\)\nrelay +none: [^\n]*\nbox +direct over this/,
  );
  const status = await markco(laptop, 'status');
  expect(status).toMatchObject({ code: 0, err: '' });
  expect(status.out).toMatch(/^device +laptop \(this one\)[^]*2 of 2 online\n[^]*\nstorage +ok\n/);
  const boxId = (await devicesOf(laptop)).find(({ name }) => name === 'box')?.id ?? '';
  conforms('pingDevice', await laptop.ask(`/api/devices/${boxId}/ping`, { method: 'POST' }));
  conforms('netcheck', await laptop.ask('/api/netcheck'));
  conforms('traceDevice', await laptop.ask(`/api/devices/${boxId}/trace`, { method: 'POST' }));
  expect((await markco(laptop, 'trace', 'box')).out).toMatch(
    /^box {2}direct[^\n]*\n {2}direct +answered after [^\n]+in use/,
  );
  const unknown = '019a8f3c-0000-7000-8000-000000000000';
  isError(await laptop.ask(`/api/devices/${unknown}/ping`, { method: 'POST' }), 404, 'not_found');

  // The words are the key that the log of both begins with; the other device does not have it, nor does a page.
  const { words } = JSON.parse((await markco(laptop, 'recovery', '--yes', '--json')).out) as { words: string[] };
  const seed = readPhrase(words.join(' '));
  if (!(seed instanceof Uint8Array)) throw seed;
  const log = JSON.parse(await readFile(join(box.home, 'user-log.json'), 'utf8')) as { entries: string[] };
  const genesis = Buffer.from(log.entries[0] ?? '', 'base64').toString('latin1');
  expect(genesis).toContain(Buffer.from(signerOf(seed).publicKey).toString('latin1'));
  expect(await markco(box, 'recovery', '--yes')).toMatchObject({
    ...{ code: 1, out: '', err: expect.stringContaining('only laptop does. Type there: markco recovery') },
  });
  const page = { token: null, headers: { cookie: `session_token=${laptop.token}` } };
  expect((await laptop.ask('/api/netcheck', page)).status).toBe(200);
  expect((await laptop.ask('/api/recovery-phrase', page)).status).toBe(403);
  for (const device of [laptop, box]) expect(device.log()).not.toContain(words.slice(0, 3).join(' '));

  // One that was stopped: not reached, since it stopped, however often it is tried.
  await box.stop();
  const stopped = Date.now();
  await eventually(async () => (await connectedTo(laptop)).length === 0, 'the box to be missed', SOON_MS);
  const tries: string[] = [];
  for (let n = 0; n < 2; n++) {
    const began = performance.now();
    const { devices } = await laptop.get<Netcheck>('/api/netcheck');
    expect(performance.now() - began).toBeLessThan(ANSWERED_MS);
    const { reach } = devices[0] ?? expect.unreachable('the box is not asked');
    if (reach.answered) expect.unreachable('a device that was stopped answers');
    expect(Math.abs(Date.parse(reach.since) - stopped)).toBeLessThan(SOON_MS);
    tries.push(reach.since);
  }
  expect(tries[1]).toBe(tries[0]);
  const away = await markco(laptop, 'ping', 'box');
  expect(away).toMatchObject({ code: 2, err: '' });
  expect(away.out).toMatch(/^box {2}not reached since [^\n]+\n→ [^\n]+\n$/);
  expect((await markco(laptop, 'status')).out).toMatch(/\n✗ box is offline since [^\n]*\n→ markco ping box\n$/);

  // Started again it is reached by the ping itself, whatever the pause between two tries was.
  await box.start();
  expect(await markco(laptop, 'ping', 'box', '-c', '1')).toMatchObject({ code: 0 });
});

test('PAIR-3 who was removed is told by a ping that it is none of the devices, and cannot be added as the one it was', async () => {
  await using laptop = await start('laptop');
  await using box = await start('box');
  await pair(laptop, box);
  await eventually(async () => (await connectedTo(box)).includes('laptop'), 'the laptop', SOON_MS);
  const boxId = (await devicesOf(laptop)).find(({ name }) => name === 'box')?.id ?? '';
  conforms('removeDevice', await laptop.ask(`/api/devices/${boxId}`, { method: 'DELETE' }));
  await eventually(async () => (await connectedTo(box)).length === 0, 'the box to be cut off', SOON_MS);
  const { code, out } = await markco(box, 'ping', 'laptop', '-c', '1');
  expect([code, out]).toEqual([2, expect.stringContaining('MARKCO_HOME=NEW_FOLDER')]);
  isError(await laptop.ask(`/api/devices/${boxId}/ping`, { method: 'POST' }), 404, 'not_found');

  const { offered } = await laptop.get<PairingHere>('/api/pairing', { method: 'POST' });
  await box.get('/api/pairing/join', { body: { code: offered?.link } });
  const state = async () => (await laptop.get<PairingHere>('/api/pairing')).offered?.state;
  await eventually(async () => (await state()) === 'asked', 'the box to ask', SOON_MS);
  isError(await laptop.ask('/api/pairing/approve', { method: 'POST' }), 409, 'conflict');
});
