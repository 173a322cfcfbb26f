/** R14 between devices: the events of a run elsewhere are gapless and in order, whatever breaks between the two. */
import { mkdir, readFile } from 'node:fs/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Run, RunEvent, RunId } from '@markco/protocol';
import { expect, test } from 'vitest';
import { chance, trials } from '../../../setup/trials.ts';
import { eventually, newRunId, startDevice, type Device } from '../../conformance/device.fixture.ts';
import { connectedTo, pair, SOON_MS } from '../../conformance/paired.fixture.ts';

/** `MARKCO_TRIALS=50` for as many as on one device. */
const RUNS = 20;
const EVENTS = 2_000;
/** Sessions that run beside each other; the submitter is killed once while each of these rounds is on. */
const SESSIONS = 10;
/** A cut so often a round at least, while its runs are on. */
const CUTS = 4;
/** A client drops its connection after so many events, or fewer. */
const DROP_AFTER_MAX = 1_500;
const CODE = `import time\nfor i in range(${EVENTS}):\n    display(i)\n    if i % 100 == 99: time.sleep(0.4)`;

const env = {
  NODE_OPTIONS: `--import=${join(import.meta.dirname, 'connections-cut.mjs')}`,
  LOG_LEVEL: 'info',
};

async function cut(device: Device): Promise<void> {
  const { pid } = JSON.parse(await readFile(join(device.home, 'device.json'), 'utf8')) as { pid: number };
  process.kill(pid, 'SIGUSR2');
}

type Seen = { readonly events: RunEvent[]; drops: number; isOver: boolean };

/** One connection, from the first event not seen yet, dropped after so many events. */
async function listen(device: Device, run: RunId, seen: Seen, dropAfter: number): Promise<void> {
  const socket = device.socket(`/api/runs/${run}/events?fromSeq=${seen.events.length}`);
  let left = dropAfter;
  socket.on('error', () => undefined);
  socket.on('message', (data) => {
    if (left-- <= 0) return;
    seen.events.push(JSON.parse(String(data)) as RunEvent);
    if (left === 0) socket.terminate();
  });
  const [code] = (await once(socket, 'close')) as [number];
  if (left <= 0) seen.drops++;
  else if (code === 1000) seen.isOver = true;
}

async function eventsIn(home: string, folder: string, id: RunId): Promise<readonly RunEvent[]> {
  const text = await readFile(join(home, folder, id, 'events.jsonl'), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as RunEvent);
}

test(`R14 ${RUNS} runs of ${EVENTS} events each on another device, connections that break at random, the submitter killed in the middle of each: 0 lost, in order, and all of them on its disk`, async () => {
  const { numRuns, seed } = trials('R14 runs elsewhere', RUNS);
  const random = chance(seed);
  const named = async (name: string) =>
    Object.assign(await startDevice({ files: { 'page.md': `# ${name}\n` }, env: { ...env, MARKCO_NAME: name } }), {
      name,
    });
  await using laptop = await named('laptop');
  await using box = await named('box');
  await pair(laptop, box);
  const isConnected = () => eventually(async () => (await connectedTo(laptop)).includes('box'), 'the box', SOON_MS);
  await isConnected();
  const projects = await Promise.all(
    Array.from({ length: Math.min(SESSIONS, numRuns) }, async (_, at) => {
      const localPath = join(laptop.root, `project-${at}`);
      await mkdir(localPath);
      return (await laptop.get<{ id: string }>('/api/projects/open-local', { body: { localPath } })).id;
    }),
  );
  let drops = 0;
  let cuts = 0;
  let inTheMiddle = 0;
  for (let done = 0; done < numRuns; done += projects.length) {
    const ids = projects.slice(0, numRuns - done).map(() => newRunId());
    await isConnected();
    for (const [at, id] of ids.entries()) {
      const body = { id, projectId: projects[at], language: 'python', code: CODE, runOn: 'box' };
      // A cut may be noticed only now; the same id again is the same run.
      await eventually(
        async () => {
          const { status, text } = await laptop.ask('/api/runs', { body });
          if (status !== 202 && status !== 503) throw new Error(`${status}: ${text}`);
          return status === 202;
        },
        'the box to take a run',
        SOON_MS,
      );
    }
    const all: Seen[] = ids.map(() => ({ events: [], drops: 0, isOver: false }));
    const following = ids.map((id, at) =>
      eventually(
        async () => {
          const seen = all[at] as Seen;
          await listen(laptop, id, seen, 1 + Math.floor(random() * DROP_AFTER_MAX)).catch(() => undefined);
          return seen.isOver;
        },
        `the end of ${id}`,
        120_000,
      ),
    );
    const heard = (): number => all.reduce((sum, { events }) => sum + events.length, 0);
    const killAt = Math.floor(random() * CUTS);
    for (let each = 0; each < CUTS; each++) {
      const before = heard();
      const more = random() * ids.length * 200;
      await eventually(() => heard() > before + more || all.every(({ isOver }) => isOver), 'more events', 60_000);
      if (all.every(({ isOver }) => isOver)) break;
      if (each === killAt) {
        await laptop.kill();
        const copies = await Promise.all(ids.map((id) => eventsIn(laptop.home, 'runs-elsewhere', id).catch(() => [])));
        inTheMiddle += copies.filter((events) => events.at(-1)?.type !== 'result').length;
        // On a machine with much else to do it may give up looking for its interpreters, and is started once more.
        const restarted = () =>
          laptop.start().then(
            () => true,
            () => laptop.kill().then(() => false),
          );
        await eventually(restarted, 'the laptop to be back', 120_000);
      } else {
        await cut(random() < 0.5 ? laptop : box);
        cuts++;
      }
    }
    await Promise.all(following);
    for (const [at, { events, drops: its }] of all.entries()) {
      const id = ids[at] as RunId;
      drops += its;
      expect(await laptop.get<Run>(`/api/runs/${id}`)).toMatchObject({ state: 'completed', ranOn: 'box' });
      expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: EVENTS + 1 }, (_, seq) => seq));
      expect(events.map((event) => (event.type === 'display' ? event.payload.data['text/plain'] : event.type))).toEqual(
        [...Array.from({ length: EVENTS }, (_, index) => String(index)), 'result'],
      );
      // What is on the disk here is what is on the host's.
      expect(await eventsIn(laptop.home, 'runs-elsewhere', id)).toEqual(events);
      expect(await eventsIn(box.home, 'runs', id)).toEqual(events);
    }
  }
  const broken = `${laptop.log()}${box.log()}`.match(/mesh\.disconnected/g)?.length ?? 0;
  console.log(
    `  ${numRuns} runs, ${cuts} cuts (${broken} seen by a device), ${drops} dropped clients, ${inTheMiddle} runs on when the submitter was killed`,
  );
  expect(broken).toBeGreaterThanOrEqual(cuts);
  expect(cuts).toBeGreaterThan(0);
  expect(inTheMiddle).toBeGreaterThan(numRuns / 2);
  expect(drops).toBeGreaterThan(numRuns / 2);
}, 900_000);
