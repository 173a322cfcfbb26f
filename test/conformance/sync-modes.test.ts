/** Flags of a device and of a cloud, switched at any moment while people type and a run waits: nothing is lost or doubled. */
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cloud, Run, RunEvent, RunId } from '@markco/protocol';
import { freePort } from '@markco/replica/free-port.fixture';
import { expect, test } from 'vitest';
import { startCloud, type CloudProgram } from './cloud.fixture.ts';
import { eventually, messagesOf, newRunId, startDevice, type Device } from './device.fixture.ts';
import { pair, SOON_MS, start } from './paired.fixture.ts';

type Flags = Readonly<Record<string, string>>;
/** What is started anew, with which flags besides those it has, and what holds then. */
type Step = { readonly device?: Flags; readonly cloud?: Flags; readonly holds: (of: Parties) => Promise<void> };
type Parties = { readonly laptop: Device; readonly cloud: CloudProgram; readonly typists: Typists };
type Typists = Awaited<ReturnType<typeof createTypists>>;

const TYPE_MS = 100;
/** Nine starts of a program: a second each on a machine that is idle. */
const MANY_STARTS_MS = 300_000;
const cloudOf = (laptop: Device): Promise<Cloud> => laptop.get<Cloud>('/api/cloud');
const becomes = (laptop: Device, wanted: object) =>
  eventually(
    async () => (await cloudOf(laptop)) && matches(await cloudOf(laptop), wanted),
    JSON.stringify(wanted),
    SOON_MS,
  );
const matches = (found: object, wanted: object): boolean =>
  Object.entries(wanted).every(([key, value]) => (found as Record<string, unknown>)[key] === value);

/** What is typed at the device comes to the cloud. */
const goesThere = async ({ typists }: Parties): Promise<void> => {
  const mark = typists.atDevice();
  await eventually(() => typists.shownAtCloud().includes(mark), `${mark} at the cloud`, SOON_MS);
};
/** What is typed at the cloud comes to the device, too. */
const goesBothWays = async (of: Parties): Promise<void> => {
  const mark = of.typists.atCloud();
  await goesThere(of);
  await eventually(() => of.typists.shownAtDevice().includes(mark), `${mark} at the device`, SOON_MS);
};
/** Typing at the device is saved there at once, and stays there. */
const staysHere = async ({ typists, laptop }: Parties): Promise<void> => {
  const [mine, theirs] = [typists.atDevice(), typists.atCloud()];
  await typists.saved();
  expect(await readFile(join(laptop.folder, 'page.md'), 'utf8')).not.toContain(theirs);
  expect(typists.shownAtCloud()).not.toContain(mine);
};

/** In bash: the session of Python has a run that waits for an answer. */
async function submit(laptop: Device, code: string, language = 'bash'): Promise<RunId> {
  const body = { id: newRunId(), projectId: laptop.project.id, language, code };
  const isTaken = async (): Promise<boolean> => (await laptop.ask('/api/runs', { body })).status === 202;
  // Just started, it knows of no other device yet.
  await eventually(isTaken, 'a run to be taken', SOON_MS);
  return body.id;
}
const ended = (laptop: Device, id: RunId): Promise<Run> =>
  eventually(
    async () => {
      const now = await laptop.get<Run>(`/api/runs/${id}`);
      return now.completedAt === undefined ? null : now;
    },
    'the end of a run',
    SOON_MS,
  );

/** All ways from one mode to another, of the device and of the cloud; a flag that is added takes a line here. */
const WALK: readonly Step[] = [
  {
    device: { SYNC_MODE: 'mirror', ENABLE_CLOUD_FALLBACK: '0' },
    async holds(of) {
      await becomes(of.laptop, { state: 'connected', mode: 'mirror' });
      const body = { projectId: of.laptop.project.id, language: 'bash', code: 'echo' };
      expect((await of.laptop.ask('/api/runs', { body })).status).toBe(403);
      const theirs = of.typists.atCloud();
      await goesThere(of);
      await eventually(
        async () => /^mirror_mismatches_total [1-9]/m.test((await of.laptop.ask('/metrics')).text),
        'what only the cloud has to be counted',
        SOON_MS,
      );
      await eventually(
        () => /"doc_path":"page".*"event":"mirror.mismatch"/.test(of.laptop.log()),
        'it to be in the log',
        SOON_MS,
      );
      expect(of.typists.shownAtDevice()).not.toContain(theirs);
    },
  },
  {
    device: { SYNC_MODE: 'legacy', ENABLE_CLOUD_FALLBACK: '1' },
    async holds(of) {
      await becomes(of.laptop, { state: 'off', mode: 'legacy' });
      await staysHere(of);
      expect(await ended(of.laptop, await submit(of.laptop, 'echo'))).toMatchObject({ ranOn: 'server' });
      const body = { url: of.cloud.origin, token: of.cloud.token };
      expect((await of.laptop.ask('/api/cloud', { body })).json).toMatchObject({
        error: { code: 'conflict', message: expect.stringContaining('SYNC_MODE=legacy') },
      });
    },
  },
  { device: { SYNC_MODE: 'relay_primary', ENABLE_CLOUD_FALLBACK: '0' }, holds: goesBothWays },
  {
    device: { SYNC_MODE: 'legacy' },
    cloud: { SYNC_MODE: 'legacy' },
    async holds(of) {
      await staysHere(of);
      const { cloud, laptop } = of;
      expect((await cloud.get('/api/projects')).status).toBe(200);
      const made = await fetch(`${cloud.origin}/api/projects/${laptop.project.id}/documents`, {
        method: 'POST',
        headers: { authorization: `Bearer ${cloud.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ path: 'new', ext: '.md' }),
      });
      expect([made.status, await made.text()]).toEqual([503, expect.stringContaining('SYNC_MODE=legacy')]);
    },
  },
  {
    device: { SYNC_MODE: 'mirror', ENABLE_CLOUD_FALLBACK: '1' },
    async holds(of) {
      await eventually(
        async () => JSON.stringify(await cloudOf(of.laptop)).includes('takes no documents now'),
        'the device to be told why',
        SOON_MS,
      );
      await staysHere(of);
    },
  },
  {
    device: { SYNC_MODE: 'relay_primary' },
    cloud: { SYNC_MODE: 'mirror' },
    async holds(of) {
      await becomes(of.laptop, { state: 'connected', mode: 'mirror' });
      await goesThere(of);
    },
  },
  { cloud: { SYNC_MODE: 'relay_primary' }, holds: goesBothWays },
];

/** One at a page of the device, one with a stock client at the cloud, and a program that writes into a file: all the time. */
async function createTypists(laptop: Device, cloud: CloudProgram) {
  const page = await laptop.document('page');
  const editor = laptop.client().openDocument({ projectId: laptop.project.id, documentId: page.id });
  await editor.ready;
  const stock = cloud.stock(laptop.userId, laptop.project.slug, 'page');
  await eventually(() => stock.synced, 'the stock client');
  const there = stock.doc.getText('content');
  const typed = { device: 0, cloud: 0, file: 0 };
  const atDevice = (): string => {
    const line = `device ${typed.device++}.\n`;
    editor.text.insert(editor.text.length, line);
    return line;
  };
  const atCloud = (): string => {
    const line = `cloud ${typed.cloud++}.\n`;
    there.insert(there.length, line);
    return line;
  };
  let writing = Promise.resolve();
  const typing = setInterval(() => {
    atDevice();
    atCloud();
    writing = writing.then(() => appendFile(join(laptop.folder, 'file.md'), `file ${typed.file++}.\n`));
  }, TYPE_MS);
  return {
    ...{ atDevice, atCloud, typed },
    shownAtDevice: (): string => editor.text.toString(),
    shownAtCloud: (): string => there.toString(),
    saved: () => editor.saved(AbortSignal.timeout(SOON_MS)),
    async stop(): Promise<void> {
      clearInterval(typing);
      await writing;
    },
  };
}

const linesOf = (text: string, who: string): readonly string[] =>
  text.split('\n').filter((line) => line.startsWith(`${who} `));
const allOf = (who: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => `${who} ${at}.`);

test(
  'MODE-1 every switch of a flag, at any moment, loses and doubles nothing of what is typed, and no run',
  async () => {
    const flags = { device: {} as Record<string, string>, cloud: {} as Record<string, string> };
    Object.assign(flags.device, { MARKCO_NAME: 'laptop', MARKCO_PEER_PORT: String(await freePort()) });
    await using cloud = await startCloud(flags.cloud);
    await using laptop = await startDevice({
      files: { 'page.md': '# Page\n', 'file.md': '# File\n' },
      env: flags.device,
    });
    // Not beside the cloud: what that one takes from it, it gives to the laptop.
    await using server = await start('server', {}, { MARKCO_FALLBACK: '1' });
    await pair(Object.assign(laptop, { name: 'laptop' }), server);
    await laptop.get('/api/cloud', { body: { url: cloud.origin, token: cloud.token } });
    // It runs nothing itself: what is asked here is run by the server, where that may stand in.
    const none = { allowRemoteExecution: true, allowHeavyJobs: true, allowWhenOnBattery: true, maxConcurrentRuns: 0 };
    await laptop.get('/api/device/policy', { method: 'PUT', body: none });
    const waiting = await submit(laptop, 'print("once", input("who? "))', 'python');
    await eventually(
      async () => (await laptop.get<Run>(`/api/runs/${waiting}`)).state === 'running',
      'the run',
      SOON_MS,
    );
    await eventually(
      async () =>
        (await cloud.get<{ documents: object[] }>(`/api/documents/${laptop.userId}`)).json.documents.length === 2,
      'the documents at the cloud',
    );
    const typists = await createTypists(laptop, cloud);
    try {
      for (const { device, cloud: its, holds } of WALK) {
        Object.assign(flags.device, device);
        Object.assign(flags.cloud, its);
        const anew = [...(device === undefined ? [] : [laptop]), ...(its === undefined ? [] : [cloud])];
        await Promise.all(anew.map((each) => each.kill()));
        await Promise.all(anew.map((each) => each.start()));
        await holds({ laptop, cloud, typists });
      }
    } finally {
      await typists.stop();
    }
    const { typed } = typists;
    const isWhole = (text: string): boolean =>
      linesOf(text, 'device').length === typed.device && linesOf(text, 'cloud').length === typed.cloud;
    const file = (path: string) => readFile(join(laptop.folder, path), 'utf8');
    const other = cloud.stock(laptop.userId, laptop.project.slug, 'file');
    await eventually(
      async () =>
        [await file('page.md'), typists.shownAtDevice(), typists.shownAtCloud()].every(isWhole) &&
        other.doc.getText('content').toString() === (await file('file.md')),
      'everything everywhere',
      SOON_MS,
    );
    const text = typists.shownAtDevice();
    expect(linesOf(text, 'device').toSorted()).toEqual(allOf('device', typed.device).toSorted());
    expect(linesOf(text, 'cloud').toSorted()).toEqual(allOf('cloud', typed.cloud).toSorted());
    expect([await file('page.md'), typists.shownAtCloud()]).toEqual([text, text]);
    expect(linesOf(await file('file.md'), 'file')).toEqual(allOf('file', typed.file));
    await eventually(
      async () => (await laptop.ask(`/api/runs/${waiting}/input`, { body: { text: 'ada' } })).status === 200,
      'the run to take an answer',
      SOON_MS,
    );
    expect(await ended(laptop, waiting)).toMatchObject({ state: 'completed', ranOn: 'server' });
    const { messages } = await messagesOf(laptop.socket(`/api/runs/${waiting}/events`));
    const printed = (messages as RunEvent[]).flatMap(({ type, payload }) => (type === 'stdout' ? [payload] : []));
    expect(printed).toEqual([{ text: 'once ada\n' }]);
    expect(laptop.log()).not.toMatch(/cloud.trouble|document.trouble/);
    console.log(
      `${WALK.length} switches; ${typed.device} lines at the device, ${typed.cloud} at the cloud, ${typed.file} into a file`,
    );
  },
  MANY_STARTS_MS,
);
