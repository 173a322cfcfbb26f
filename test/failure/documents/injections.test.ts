/**
 * What a cloud leans on goes away, one thing after another, while people type at it, a plain agent runs a cell and a device
 * runs another: each time everything goes on, and in the end nothing that was acknowledged is lost or there twice.
 *
 * A full disk is tried in `cloud-disk-full.test.ts`; everything at once and at random in `processes.test.ts`.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cloud, Document, Run, RunId } from '@markco/protocol';
import { NO_NATS, startNats } from '@markco/rendezvous/processes/nats.fixture';
import { NO_POSTGRES, startPostgres } from '@markco/rendezvous/store/postgres.fixture';
import { expect, test } from 'vitest';
import { placeOf, type Place } from '../../conformance/agents.fixture.ts';
import { startCloud, type CloudProgram } from '../../conformance/cloud.fixture.ts';
import { eventually, newRunId, startDevice, type Device } from '../../conformance/device.fixture.ts';
import { follow } from '../../conformance/follow.fixture.ts';
import { printedBy, startSpeaker, type Speaker } from '../../conformance/speaker.fixture.ts';
import { markersIn, sitDown, type Typist } from './processes.fixture.ts';

const SOON_MS = 60_000;
const TYPE_MS = 50;
/** Edits and events that are to be acknowledged after each. */
const ON = 10;
/** Prints as a `Speaker` does, until it is told to stop. */
const TALKS = 'n=0; until [ -e stop ]; do n=$((n+1)); echo "⟦$n⟧"; sleep 0.05; done';
const FILES = { 'page.md': '# Page\n', 'cell.md': `# Cell\n\n\`\`\`bash\n${TALKS}\n\`\`\`\n` };

type Injection = { readonly what: string; readonly strike: () => Promise<void> };

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function anew(cloud: { kill(): Promise<void>; start(): Promise<void> }, downMs = 0): Promise<void> {
  await cloud.kill();
  await pause(downMs);
  await cloud.start();
}

/** Logs the laptop in at the first of the processes; answers the place as each of them has it. */
async function begin(clouds: readonly CloudProgram[], laptop: Device): Promise<readonly Place[]> {
  const [first] = clouds;
  await laptop.get<Cloud>('/api/cloud', { body: { url: first?.origin, token: first?.token } });
  const { id: documentId } = await laptop.document('page');
  for (const cloud of clouds) {
    const count = async (): Promise<number | undefined> =>
      (await cloud.get<{ documents?: Document[] }>(`/api/documents/${laptop.userId}`)).json.documents?.length;
    await eventually(async () => (await count()) === Object.keys(FILES).length, 'the documents in the cloud', SOON_MS);
  }
  return clouds.map((cloud) => placeOf(cloud, laptop.userId, laptop.project.id, documentId));
}

/** Types, runs, has each injection strike, and looks at what there is in the end. */
async function goesOn(
  clouds: readonly CloudProgram[],
  laptop: Device,
  injections: (speaker: Speaker) => readonly Injection[],
): Promise<void> {
  const places = await begin(clouds, laptop);
  const [place] = places;
  if (place === undefined) return expect.unreachable();
  const added = await place.addAgent('attic');
  const up = (): CloudProgram | undefined => clouds.filter(({ pid }) => pid !== 0).at(-1);
  using speaker = startSpeaker(added.token, up);
  await eventually(() => speaker.isConnected(), 'the agent', SOON_MS);
  const onAgent = newRunId();
  const isBegun = async (): Promise<boolean> =>
    'state' in (await place.submit('1', { id: onAgent, runOn: added.id })) && speaker.handed.length > 0;
  await eventually(isBegun, 'the run at the agent', SOON_MS);
  const { id: cell } = await laptop.document('cell');
  const { id: onDevice } = await laptop.get<Run>('/api/runs', {
    body: { id: newRunId(), projectId: laptop.project.id, documentId: cell, language: 'bash', code: TALKS },
  });
  let heard = 0;
  const device = follow(laptop.client(), onDevice, () => void heard++);
  const agents = clouds.map((cloud) => follow(cloud.client(), onAgent));
  const typists = ['one', 'two'].map((name) =>
    sitDown(name, `sync/${laptop.userId}/${laptop.project.slug}/page`, () => up() ?? clouds[0] ?? expect.unreachable()),
  );
  const typing = setInterval(() => typists.forEach((typist) => typist.type()), TYPE_MS);
  try {
    const counts = (): readonly number[] => [
      ...typists.map((typist) => typist.acknowledged()),
      speaker.acknowledged(onAgent),
      heard,
    ];
    const goesOnFrom = (before: readonly number[], what: string) =>
      eventually(
        () => counts().every((count, at) => count >= (before[at] ?? 0) + ON),
        `${what}: ${counts().join()}`,
        SOON_MS,
      );
    await goesOnFrom(counts(), 'all to be there');
    for (const { what, strike } of injections(speaker)) {
      await strike();
      await goesOnFrom(counts(), `everything to go on after ${what}`);
    }
  } finally {
    clearInterval(typing);
  }
  speaker.finish(onAgent);
  await writeFile(join(laptop.folder, 'stop'), '');
  for (const { text, run } of await Promise.all(agents)) {
    expect(run).toMatchObject({ state: 'completed', ranOn: 'attic' });
    expect(text).toBe(printedBy(speaker.printed(onAgent)));
  }
  expect([speaker.handed, speaker.forgotten]).toEqual([[onAgent], []]);
  wholeOnDevice(await device, onDevice);
  await oneText(typists, laptop);
  for (const { provider } of typists) provider.destroy();
  const edits = typists.reduce((sum, { typed }) => sum + typed.length, 0);
  console.log(
    `  ${edits} edits, ${speaker.printed(onAgent)} events of the agent, ${heard} of the device: none lost, none doubled`,
  );
}

function wholeOnDevice({ run, text }: Awaited<ReturnType<typeof follow>>, id: RunId): void {
  expect(run).toMatchObject({ id, state: 'completed' });
  expect(text).toBe(printedBy(text.split('\n').length - 1));
}

/** Everybody has one text, with every word of everybody in it once, and so has the file. */
async function oneText(typists: readonly Typist[], laptop: Device): Promise<void> {
  const typed = typists.flatMap((typist) => typist.typed);
  await eventually(() => typists.every((each) => each.acknowledged() === each.typed.length), 'all saved', SOON_MS);
  await eventually(() => new Set(typists.map(({ text }) => text())).size === 1, 'one text', SOON_MS);
  const text = typists[0]?.text() ?? '';
  const counts = markersIn(text);
  expect(typed.filter((marker) => counts.get(marker) !== 1)).toEqual([]);
  expect(counts.size).toBe(typed.length);
  await eventually(async () => (await readFile(join(laptop.folder, 'page.md'), 'utf8')) === text, 'the file', SOON_MS);
}

test('edits and runs go on when the cloud is restarted, the device is killed and the agent is cut off', async () => {
  await using cloud = await startCloud();
  await using laptop = await startDevice({ files: FILES });
  await goesOn([cloud], laptop, (speaker) => [
    { what: 'a kill of the cloud', strike: () => anew(cloud) },
    { what: 'a kill of the device', strike: () => anew(laptop) },
    { what: 'a cut of the agent', strike: async () => speaker.cut() },
  ]);
}, 300_000);

test('the same with two processes, and when Postgres is frozen or ends, or NATS ends', async ({ skip }) => {
  const missing = NO_POSTGRES ?? NO_NATS;
  skip(missing !== undefined, missing);
  await using postgres = await startPostgres();
  await using nats = await startNats();
  const env = { DATABASE_URL: await postgres.database(), NATS_URL: nats.url };
  await using one = await startCloud(env);
  await using two = await startCloud(env, one.token);
  await using laptop = await startDevice({ files: FILES });
  await goesOn([one, two], laptop, (speaker) => [
    { what: 'a kill of a process', strike: () => anew(two) },
    { what: 'a kill of the device', strike: () => anew(laptop) },
    { what: 'a cut of the agent', strike: async () => speaker.cut() },
    { what: 'a kill of Postgres', strike: () => anew(postgres, 500) },
    { what: 'a kill of NATS', strike: () => anew(nats, 500) },
    {
      what: 'a frozen Postgres',
      async strike() {
        postgres.signal('SIGSTOP');
        await pause(1_500);
        postgres.signal('SIGCONT');
      },
    },
  ]);
}, 300_000);
