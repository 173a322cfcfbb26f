/**
 * T4: a cloud that is hostile, and real devices of one person that are with it. Whatever it does, they refuse it or say
 * so, what people wrote is not lost, nothing is run, and nobody is let in. What each may do is in docs/cloud.md.
 */
import { join } from 'node:path';
import { SETTLE_MS } from '@markco/node/cloud/trust/held-to-its-words';
import { newId, type DeviceHere, type DeviceId, type Document, type DocumentId } from '@markco/protocol';
import { DEVICE_CAPS, headsOf, signerOf, type UserLog } from '@markco/protocol/identity';
import { openEntry, sealEntry, type EntryBody } from '@markco/protocol/identity/entry';
import { afterAll, expect, test } from 'vitest';
import * as Y from 'yjs';
import { startCloud } from './cloud.fixture.ts';
import { eventually, ids } from './device.fixture.ts';
import { eachEntry, speakOf, type Said } from './evil-cloud.fixture.ts';
import { cloudOf, FILES, soon, startWorld, tells, WRITTEN } from './evil-world.fixture.ts';
import { pair, SOON_MS, start } from './paired.fixture.ts';

const world = await startWorld();
const {
  cloud,
  evil,
  laptop,
  beside,
  idOf,
  file,
  victim: victimOf,
  inCloud,
  write,
  allSaved,
  settled,
  comeBack,
} = world;
afterAll(() => world[Symbol.asyncDispose]());
let devices = await world.devices();

type Behavior = { readonly name: string; readonly does: () => Promise<void> };

/** What it says of the log of devices: an entry of its own. */
function withEntry(log: UserLog, seal: (deps: ReturnType<typeof headsOf>) => Uint8Array): UserLog {
  const bytes = seal(headsOf(log));
  const entry = openEntry(bytes);
  if (!('id' in entry)) throw entry;
  return { ...log, entries: new Map([...log.entries, [entry.id, { ...entry, authority: [] }]]) };
}

const BEHAVIORS: readonly Behavior[] = [
  {
    name: 'adds a device of its own to those of the user',
    async does() {
      const { trust } = beside;
      const key = signerOf(new Uint8Array(ids.randomBytes(32)));
      const body: EntryBody = {
        ...{ device: newId<DeviceId>(ids), key: key.publicKey, name: 'planted', caps: [...DEVICE_CAPS] },
        ...{ type: 'addDevice', kind: 'desktop' },
      };
      const before = trust.log;
      await world.sayHello(
        withEntry(before, (deps) =>
          sealEntry({ author: trust.deviceId, seq: 0, prev: null, deps, body }, trust.signer),
        ),
      );
      await world.sayHello(
        withEntry(before, (deps) => sealEntry({ author: 'root', seq: 5, prev: null, deps, body }, key)),
      );
      const victim = await victimOf();
      for (const op of ['device', 'devices', 'entries', 'log'])
        victim.say(JSON.stringify({ op, devices: [newId(ids)], entries: [], log: [] }));
    },
  },
  {
    name: 'writes in the place of somebody who is writing',
    async does() {
      const open = await write('page', 'typed here;');
      await eventually(async () => (await file('page.md')).includes('typed here;'), 'the file', SOON_MS);
      const seen = new Y.Doc();
      Y.applyUpdate(seen, Y.encodeStateAsUpdate(open.doc));
      seen.clientID = open.doc.clientID;
      const before = Y.encodeStateVector(seen);
      seen.getText('content').insert(0, 'FORGED');
      speakOf(await victimOf(), await idOf('page'))({ type: 'update', update: Y.encodeStateAsUpdate(seen, before) });
      await settled();
      open.text.insert(open.text.length, 'and on\n');
      await open.saved(soon());
      await eventually(async () => (await file('page.md')).endsWith('typed here;and on\n'), 'the rest', SOON_MS);
      expect(open.text.toString()).not.toContain('FORGED');
      expect(await file('page.md')).not.toContain('FORGED');
      open.close();
    },
  },
  {
    name: 'calls itself one of the user’s devices',
    async does() {
      evil.self = beside.deviceId;
      evil.victim(world.laptopId)?.drop();
      const refuses = async (): Promise<boolean> =>
        (await cloudOf(laptop)).why?.includes('calls itself beside') === true;
      await eventually(refuses, 'the device to refuse it', SOON_MS);
      expect(await laptop.get('/api/cloud')).toMatchObject({ state: 'refused' });
      evil.reform();
      await laptop.get('/api/cloud', { body: { url: evil.origin, token: cloud.token } });
    },
  },
  {
    name: 'starts a run',
    async does() {
      const victim = await victimOf();
      const run = {
        ...{ id: newId(ids), projectId: laptop.project.id, language: 'python', code: 'open("started", "w")' },
        documentId: await idOf('cell'),
      };
      for (const op of ['submit', 'run', 'offer', 'grant']) victim.say(JSON.stringify({ op, ref: 1, run, ...run }));
      const grant = Buffer.from(ids.randomBytes(300)).toString('base64');
      for (const body of [run, { ...run, grant }]) {
        const answer = await beside.ask({ method: 'POST', path: '/api/runs', body: JSON.stringify(body) });
        expect(answer.status === 0 || answer.status >= 400, answer.text).toBe(true);
      }
      const doc = await inCloud('cell');
      doc.getMap('runs').set(run.id, { ...run, state: 'requested', runtimeUrl: 'http://127.0.0.1:1' });
      await settled();
    },
  },
  {
    name: 'gives rights away: the project to everybody, the devices to itself',
    async does() {
      const victim = await victimOf();
      const policy = await laptop.get('/api/device/policy');
      const project = { ...laptop.project, visibility: 'public', userId: newId(ids), displayName: 'taken' };
      victim.say(JSON.stringify({ op: 'projects', projects: [{ project, hash: '0'.repeat(16) }] }));
      for (const op of ['access', 'share', 'policy'])
        victim.say(JSON.stringify({ op, role: 'admin', everybody: true }));
      for (const path of ['/api/device/policy', '/api/devices', '/api/pairing'])
        for (const method of ['PUT', 'PATCH', 'POST', 'DELETE']) {
          const answer = await beside.ask({ method, path, body: JSON.stringify({ allowRemoteExecution: true }) });
          expect(answer.status === 0 || answer.status >= 400, `${method} ${path} ${answer.text}`).toBe(true);
        }
      await settled();
      expect(await laptop.get('/api/device/policy')).toEqual(policy);
      const [now] = (await laptop.get<{ projects: unknown[] }>('/api/projects')).projects;
      expect(now).toMatchObject({
        visibility: 'private',
        userId: laptop.userId,
        displayName: laptop.project.displayName,
      });
    },
  },
  {
    name: 'acknowledges what it throws away',
    async does() {
      evil.toCloud = () => (message) => eachEntry(message, (entry) => (isEdit(entry.payload) ? undefined : entry));
      const open = await write('lied', 'thrown away\n');
      await eventually(async () => (await cloudOf(laptop)).unsaved?.documents === 1, 'it not to be saved', SOON_MS);
      speakOf(await victimOf(), await idOf('lied'))({ type: 'saved', count: 1_000 });
      await allSaved();
      evil.reform();
      open.close();
      // What it does not have shows at the end.
    },
  },
  {
    name: 'lets nothing through, and says nothing',
    async does() {
      evil.toCloud = () => () => [];
      evil.toDevice = () => () => [];
      (await write('other', 'while it is silent\n')).close();
      await eventually(async () => (await file('other.md')).includes('while it is silent'), 'the file', SOON_MS);
      expect((await cloudOf(laptop)).unsaved).toMatchObject({ documents: 1 });
      // Nor is it said to have it when it is joined again, greets, and says nothing more.
      evil.toCloud = evil.toDevice = () => (message) => (isHello(message) ? [message] : []);
      await comeBack();
      expect((await cloudOf(laptop)).unsaved).toMatchObject({ documents: 1 });
      evil.reform();
      await comeBack();
      await allSaved();
      expect((await inCloud('other')).getText('content').toString()).toContain('while it is silent');
    },
  },
  {
    name: 'reorders what it passes on',
    async does() {
      let held: Said | undefined;
      evil.toDevice = () => (message) => {
        if (typeof message === 'string') return [message];
        if (held === undefined) {
          held = message;
          return [];
        }
        const [first, second] = [message, held];
        held = undefined;
        return [first, second];
      };
      const doc = await inCloud('page');
      for (let at = 0; at < 40; at++) {
        doc.getText('content').insert(0, `⟦${at}⟧`);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      evil.reform();
      await comeBack();
      for (let at = 0; at < 40; at++)
        await eventually(async () => (await file('page.md')).split(`⟦${at}⟧`).length === 2, `⟦${at}⟧ once`, SOON_MS);
    },
  },
  {
    name: 'says everything again',
    async does() {
      const victim = await victimOf();
      const [before, said] = [await file('page.md'), [...victim.said]];
      for (let round = 0; round < 3; round++) for (const message of said) victim.say(message);
      await settled();
      expect(await file('page.md')).toBe(before);
    },
  },
  {
    name: 'writes the past anew: other text in the place of what is known',
    async does() {
      const doc = await inCloud('note-1');
      const forged = new Y.Doc();
      [forged.clientID = 1] = [...Y.decodeStateVector(Y.encodeStateVector(doc)).keys()];
      forged.getText('content').insert(0, 'REWRITTEN');
      speakOf(await victimOf(), await idOf('note-1'))({ type: 'step2', update: Y.encodeStateAsUpdate(forged) });
      await settled();
      expect(await file('note-1.md')).toBe('# Note 1\n');
    },
  },
  {
    name: 'puts one document into another',
    async does() {
      const doc = await inCloud('note-2');
      speakOf(await victimOf(), await idOf('note-3'))({ type: 'update', update: Y.encodeStateAsUpdate(doc) });
      // It may be what a person wrote, so it is taken; what was there is there.
      await tells(laptop, 'It put text of note-2 into note-3');
      await eventually(async () => (await file('note-3.md')).includes('# Note 3\n'), 'its own text', SOON_MS);
    },
  },
  {
    name: 'cuts messages short',
    async does() {
      evil.toDevice = () => (message) => [typeof message === 'string' ? message : message.slice(0, -1)];
      const doc = await inCloud('page');
      const before = evil.connections(world.laptopId);
      doc.getText('content').insert(0, 'after a cut ');
      await eventually(() => evil.connections(world.laptopId) > before, 'the device to end it', SOON_MS);
      evil.reform();
      await eventually(async () => (await file('page.md')).startsWith('after a cut '), 'it to come whole', SOON_MS);
    },
  },
  {
    name: 'sends what is no message, and one that is larger than there may be',
    async does() {
      for (const message of [
        '{"op":"rows"',
        JSON.stringify({ op: 'rows', projectId: '../..', rows: 'x' }),
        new Uint8Array(5_000).fill(0xff),
        Uint8Array.of(0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f),
        new Uint8Array(17 * 1024 * 1024),
      ]) {
        const before = evil.connections(world.laptopId);
        (await victimOf()).say(message);
        await eventually(() => evil.connections(world.laptopId) > before, 'the device to end it', SOON_MS);
      }
    },
  },
  {
    name: 'asks the same over and over',
    async does() {
      const victim = await victimOf();
      const hashes = Buffer.alloc(256 * 8).toString('base64');
      const question = JSON.stringify({ op: 'buckets', projectId: laptop.project.id, hashes });
      for (let at = 0; at < 1_000 && victim.isOpen; at++) victim.say(question);
      const isCut = async (): Promise<boolean> =>
        (await cloudOf(laptop)).why?.startsWith('It sent more than a cloud does') === true;
      await eventually(isCut, 'the device to cut it off', SOON_MS);
      expect(await cloudOf(laptop)).toMatchObject({ state: 'refused' });
      await laptop.get('/api/cloud', { body: { url: evil.origin, token: cloud.token } });
    },
  },
  {
    name: 'lets a device that was removed go on',
    async does() {
      const { id } =
        (await laptop.get<{ devices: DeviceHere[] }>('/api/devices')).devices.find(({ name }) =>
          name.startsWith('beside'),
        ) ?? expect.unreachable();
      const { log } = beside.trust;
      expect((await laptop.ask(`/api/devices/${id}`, { method: 'DELETE' })).status).toBe(204);
      devices = await world.devices();
      expect(devices).not.toContain('beside the cloud');
      // The log as it was before, and a place in it that was never given.
      await expect(world.sayHello(log)).rejects.toThrow();
      await beside.mesh.host
        .connect(beside.peerId, [`/ip4/127.0.0.1/tcp/${laptopPort()}`], soon())
        .then(() => world.sayHello(log))
        .catch(() => undefined);
      // No stream for it, or one that ends before anything was said on it.
      const nothing = { status: 0, text: '' };
      expect(await beside.ask({ method: 'GET', path: '/api/sessions' }).catch(() => nothing)).toEqual(nothing);
    },
  },
  {
    name: 'serves what is somebody else’s',
    async does() {
      const victim = await victimOf();
      const others = newId<DocumentId>(ids);
      const named = { at: Date.now(), by: newId(ids) };
      const row = {
        id: others,
        path: 'theirs',
        ext: '.md',
        createdAt: new Date().toISOString(),
        named,
        digest: 'a'.repeat(16),
      };
      victim.say(JSON.stringify({ op: 'rows', projectId: newId(ids), rows: [row] }));
      const theirs = new Y.Doc();
      theirs.getText('content').insert(0, 'of somebody else');
      speakOf(victim, others)({ type: 'update', update: Y.encodeStateAsUpdate(theirs) });
      await settled();
      expect((await laptop.documents()).length).toBe(Object.keys(FILES).length);
    },
  },
  {
    name: 'deletes everything, and gives names from the far future',
    async does() {
      const victim = await victimOf();
      const documents = await laptop.documents();
      const deletedAt = new Date().toISOString();
      const rowOf = ({ id, path, ext, createdAt }: Document, at: number) => ({
        ...{ id, path, ext, createdAt, digest: '0'.repeat(16) },
        named: { at, by: evil.cloud },
      });
      const say = (rows: readonly unknown[]): void =>
        victim.say(JSON.stringify({ op: 'rows', projectId: laptop.project.id, rows }));
      say(documents.map((document) => ({ ...rowOf(document, Date.now() + 1_000), deletedAt })));
      await tells(laptop, 'asked for many documents to be deleted');
      say(
        documents.map((document) => ({ ...rowOf(document, Number.MAX_SAFE_INTEGER), path: `${document.path}-taken` })),
      );
      await tells(laptop, 'lies far ahead');
      expect((await laptop.documents()).map(({ path }) => path)).toEqual(documents.map(({ path }) => path));
      // One is taken, as when a person deletes it elsewhere; it comes back from the history.
      const note = await laptop.document('note-0');
      say([{ ...rowOf(note, Date.now() + 1_000), deletedAt }]);
      const isGone = async (): Promise<boolean> => !(await laptop.documents()).some(({ path }) => path === note.path);
      await eventually(isGone, 'it to be deleted', SOON_MS);
      expect(await file('note-0.md')).toBe('');
      await laptop.get(`/api/projects/${laptop.project.id}/documents/${note.id}/undelete`, { method: 'POST' });
      expect(await file('note-0.md')).toBe('# Note 0\n');
    },
  },
];

const laptopPort = (): number => beside.ports[0] ?? 0;
const isHello = (message: Said): boolean => typeof message === 'string' && message.startsWith('{"op":"hello"');
const isEdit = (payload: Uint8Array): boolean => payload[0] === 0 && (payload[1] === 1 || payload[1] === 2);

for (const [at, { name, does }] of BEHAVIORS.entries())
  test(`T4 ${at + 1}. a cloud that ${name}`, async () => {
    try {
      await does();
    } finally {
      evil.reform();
    }
    // Nothing was run, nobody was let in, and what people wrote is there.
    expect((await laptop.get<{ runs: unknown[] }>('/api/runs')).runs).toEqual([]);
    expect(await file('started')).toBe('');
    expect(await world.devices()).toEqual(devices);
    await eventually(async () => (await file('page.md')).includes(WRITTEN), 'the page', SOON_MS);
    expect(await file('late.md')).toBe(`# Late\n${WRITTEN}`);
    await victimOf();
  }, 60_000);

test('T4 a cloud that goes back to an old state is told so, and is brought what it lacks', async () => {
  await eventually(() => performance.now() - world.savedAt > SETTLE_MS, 'time to pass', SOON_MS);
  await world.goBack();
  await tells(laptop, 'that it had said were saved');
  const lacked = async (path: string, text: string): Promise<boolean> =>
    (await inCloud(path)).getText('content').toString().includes(text);
  await eventually(() => lacked('late', WRITTEN), 'what it lacked', SOON_MS);
  await eventually(() => lacked('lied', 'thrown away'), 'what it threw away', SOON_MS);
  expect(laptop.log()).toContain('cloud.doubt');
}, 60_000);

test('T4 a cloud that shows two devices two states is found out when they meet', async () => {
  await using desk = await start('desk');
  await pair(laptop, desk);
  await eventually(
    async () => (await desk.get<{ projects: unknown[] }>('/api/projects-elsewhere')).projects.length > 0,
    'the project of the laptop',
    SOON_MS,
  );
  await desk.get(`/api/projects-elsewhere/${laptop.project.id}/attach`, {
    body: { localPath: join(desk.root, 'there') },
  });
  // As empty as on the first day.
  await using other = await startCloud({}, cloud.token);
  evil.route = () => other.origin;
  evil.self = evil.cloud ?? null;
  await desk.get('/api/cloud', { body: { url: evil.origin, token: cloud.token } });
  await tells(desk, 'than it had told laptop was saved');
}, 90_000);
