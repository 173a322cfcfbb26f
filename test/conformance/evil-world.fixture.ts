/** For tests: a person with a laptop, a cloud that is hostile, and the machine beside it, which is as hostile. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { greet } from '@markco/client/mesh/greet';
import { HELLO } from '@markco/client/mesh/protocol-names';
import { newId, type Cloud, type DeviceHere, type DeviceId, type Document, type DocumentId } from '@markco/protocol';
import type { UserLog } from '@markco/protocol/identity';
import { expect } from 'vitest';
import type * as Y from 'yjs';
import { startCloud } from './cloud.fixture.ts';
import { eventually, ids } from './device.fixture.ts';
import { startEvilCloud, type Victim } from './evil-cloud.fixture.ts';
import { joinAsPeer } from './mesh-peer.fixture.ts';
import { SOON_MS, start, type Named } from './paired.fixture.ts';

const PLAIN = Object.fromEntries(Array.from({ length: 14 }, (_, at) => [`note-${at}.md`, `# Note ${at}\n`]));
export const FILES = {
  ...PLAIN,
  ...{ 'page.md': '# Page\n', 'other.md': '# Other\nwords of another page\n', 'late.md': '# Late\n' },
  ...{ 'lied.md': '# Lied\n', 'cell.md': '# Cell\n\n```python\nopen("started", "w")\n```\n' },
};
/** What `page` and `late` have to hold, whatever else is put there. */
export const WRITTEN = 'written by a person\n';

export const soon = (): AbortSignal => AbortSignal.timeout(SOON_MS);

export const cloudOf = async (device: Named): Promise<Exclude<Cloud, { state: 'none' }>> => {
  const state = await device.get<Cloud>('/api/cloud');
  return state.state === 'none' ? expect.unreachable('no cloud') : state;
};
/** The device says in words what it found. */
export const tells = (device: Named, words: string): Promise<unknown> =>
  eventually(
    async () => ((await cloudOf(device)).doubts ?? []).some(({ message }) => message.includes(words)),
    `the device to say “${words}”`,
    SOON_MS,
  );

const OLD = 'old';
const STORE = join('rendezvous', 'store');

export async function startWorld() {
  await using stack = new AsyncDisposableStack();
  const cloud = stack.use(await startCloud());
  const evil = stack.use(await startEvilCloud(() => cloud.origin));
  const laptop = stack.use(await start('laptop', FILES));
  await laptop.get('/api/cloud', { body: { url: evil.origin, token: cloud.token } });
  const { id: laptopId } = (await laptop.get<{ device: { id: DeviceId } }>('/api/device')).device;
  const { slug } = laptop.project;
  const inIt = async (): Promise<number> =>
    (await cloud.get<{ documents?: Document[] }>(`/api/documents/${laptop.userId}`)).json.documents?.length ?? 0;
  await eventually(async () => (await inIt()) === Object.keys(FILES).length, 'the documents in the cloud', SOON_MS);
  await cloud.image(STORE, OLD);
  const beside = stack.use(
    await joinAsPeer(laptop, undefined, { name: 'beside the cloud', os: 'test', kind: 'server-agent' }),
  );

  const idOf = async (path: string): Promise<DocumentId> => (await laptop.document(path)).id;
  const file = (path: string): Promise<string> => readFile(join(laptop.folder, path), 'utf8').catch(() => '');
  const victim = (): Promise<Victim> =>
    eventually(() => (evil.victim(laptopId)?.isOpen === true ? evil.victim(laptopId) : null), 'it', SOON_MS);

  /** A document as the cloud has it: nothing is hidden from it. */
  async function inCloud(path: string): Promise<Y.Doc> {
    const { doc } = cloud.stock(laptop.userId, slug, path);
    await eventually(() => doc.getText('content').length > 0, `${path} in the cloud`, SOON_MS);
    return doc;
  }

  /** As a person at the laptop, who is still there afterwards. */
  async function write(path: string, text: string) {
    const open = laptop.client().openDocument({ projectId: laptop.project.id, documentId: await idOf(path) });
    await open.ready;
    await eventually(() => open.status.get().synced, `${path} to be open`, SOON_MS);
    open.text.insert(open.text.length, text);
    await open.saved(soon());
    return open;
  }
  const allSaved = (): Promise<unknown> =>
    eventually(async () => (await cloudOf(laptop)).unsaved === undefined, 'the cloud to have all', SOON_MS);

  for (const path of ['page', 'late']) (await write(path, WRITTEN)).close();
  await allSaved();
  const disposing = stack.move();
  return {
    ...{ cloud, evil, laptop, laptopId, beside, idOf, file, victim, inCloud, write, allSaved },
    /** When what was written there was said to be saved. */
    savedAt: performance.now(),

    devices: async (): Promise<readonly string[]> =>
      (await laptop.get<{ devices: DeviceHere[] }>('/api/devices')).devices.map(({ name }) => name).toSorted(),

    /** A person joins it again, so that the device hears all anew, also where it had given it up for a minute. */
    async comeBack(): Promise<void> {
      await laptop.get('/api/cloud', { body: { url: evil.origin, token: cloud.token } });
    },

    /** Everything has been said and heard: an edit at the cloud went through to the file, behind all the rest. */
    async settled(): Promise<void> {
      const text = (await inCloud('cell')).getText('content');
      const mark = `settled ${newId(ids)}\n`;
      text.insert(text.length, mark);
      await eventually(async () => (await file('cell.md')).includes(mark), 'what is honest to come through', SOON_MS);
    },

    /** The machine beside the cloud greets the laptop, with a log of its choice. */
    async sayHello(log: UserLog): Promise<unknown> {
      const { mesh, trust, peerId } = beside;
      const stream = await mesh.host.open(peerId, HELLO, soon());
      const { deviceId, signer, certificate, now, take, renew } = trust;
      const parts = { log, deviceId, signer, certificate, now, take, renew };
      return greet(stream, peerId, parts, 'initiator').catch((error: unknown) => error);
    },

    /** The cloud is as it was before anybody wrote. */
    async goBack(): Promise<void> {
      await cloud.kill();
      await rm(join(cloud.home, STORE), { recursive: true });
      await cloud.image(OLD, STORE);
      await cloud.start();
    },
    [Symbol.asyncDispose]: () => disposing.disposeAsync(),
  };
}
