/** R14: the events of a run are gapless and in order for a client that comes and goes, on a device that is killed. */
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Run, RunEvent, RunId } from '@markco/protocol';
import { expect, test } from 'vitest';
import { chance, trials } from '../../../setup/trials.ts';
import { eventually, newRunId, startDevice, type Device } from '../../conformance/device.fixture.ts';

const RUNS = 50;
const EVENTS = 2_000;
/** Sessions that run beside each other; the device is killed once while each of these rounds is on. */
const SESSIONS = 10;
/** A client drops its connection after so many events, or fewer. */
const DROP_AFTER_MAX = 600;
/** Waits for this file before its last quarter, so that the kill finds every run in its middle. */
const code = (goOn: string): string =>
  [
    ...['import os, time', `for i in range(${EVENTS}):`, '    display(i)', '    if i % 100 == 99: time.sleep(0.1)'],
    `    while i == ${(EVENTS * 3) / 4} and not os.path.exists(${JSON.stringify(goOn)}): time.sleep(0.01)`,
  ].join('\n');

type Seen = { readonly events: RunEvent[]; drops: number; isOver: boolean };

/** One connection, from the first event not seen yet, dropped after so many events. */
async function listen(device: Device, run: RunId, seen: Seen, dropAfter: number): Promise<void> {
  const socket = device.socket(`/api/runs/${run}/events?fromSeq=${seen.events.length}`);
  let left = dropAfter;
  socket.on('error', () => undefined);
  socket.on('message', (data) => {
    // What was on its way when the client dropped is not seen by it.
    if (left-- <= 0) return;
    seen.events.push(JSON.parse(String(data)) as RunEvent);
    if (left === 0) socket.terminate();
  });
  const [code] = (await once(socket, 'close')) as [number];
  if (left <= 0) seen.drops++;
  else if (code === 1000) seen.isOver = true;
}

/** Follows a run to its end, through drops at random and a device that is away. */
async function followThrough(device: Device, run: RunId, random: () => number): Promise<Seen> {
  const seen: Seen = { events: [], drops: 0, isOver: false };
  await eventually(
    async () => {
      await listen(device, run, seen, 1 + Math.floor(random() * DROP_AFTER_MAX)).catch(() => undefined);
      return seen.isOver;
    },
    `the end of ${run}`,
    120_000,
  );
  return seen;
}

test(`R14 ${RUNS} runs of ${EVENTS} events each, clients that drop and resume at random, the device killed in the middle of each: 0 lost, in order`, async () => {
  const { numRuns, seed } = trials('R14 runs', RUNS);
  const random = chance(seed);
  await using device = await startDevice({ files: { 'page.md': '# Page\n' }, env: { LOG_LEVEL: 'warn' } });
  const projects = await Promise.all(
    Array.from({ length: Math.min(SESSIONS, numRuns) }, async (_, at) => {
      const localPath = join(device.root, `project-${at}`);
      await mkdir(localPath);
      return (await device.get<{ id: string }>('/api/projects/open-local', { body: { localPath } })).id;
    }),
  );
  let drops = 0;
  let inTheMiddle = 0;
  for (let done = 0; done < numRuns; done += projects.length) {
    const ids = projects.slice(0, numRuns - done).map(() => newRunId());
    const goOn = join(device.root, `go-on-${done}`);
    await Promise.all(
      ids.map((id, at) =>
        device.get('/api/runs', { body: { id, projectId: projects[at], language: 'python', code: code(goOn) } }),
      ),
    );
    const following = ids.map((id) => followThrough(device, id, random));
    const killAt = Math.floor(random() * (EVENTS / 2));
    await eventually(
      async () => {
        const running = await Promise.all(ids.map((id) => device.get<Run>(`/api/runs/${id}`)));
        return running.every(({ state }) => state === 'running');
      },
      'all runs to have begun',
      60_000,
    );
    const first = ids[0];
    if (first === undefined) throw new Error('no run');
    await listen(device, first, { events: [], drops: 0, isOver: false }, 1 + killAt);
    await device.kill();
    const spools = await Promise.all(ids.map((id) => readFile(join(device.home, 'runs', id, 'events.jsonl'), 'utf8')));
    inTheMiddle += spools.filter((text) => !text.includes('"type":"result"')).length;
    await writeFile(goOn, '');
    await device.start();
    for (const [at, seen] of (await Promise.all(following)).entries()) {
      const { events } = seen;
      drops += seen.drops;
      expect([(await device.get<Run>(`/api/runs/${ids[at]}`)).state, events.at(-1)]).toMatchObject([
        'completed',
        { seq: EVENTS, type: 'result' },
      ]);
      expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: EVENTS + 1 }, (_, seq) => seq));
      expect(events.map((event) => (event.type === 'display' ? event.payload.data['text/plain'] : event.type))).toEqual(
        [...Array.from({ length: EVENTS }, (_, index) => String(index)), 'result'],
      );
    }
  }
  console.log(`  ${numRuns} runs, ${drops} dropped connections, ${inTheMiddle} of them on when the device was killed`);
  expect(inTheMiddle).toBe(numRuns);
  expect(drops).toBeGreaterThan(numRuns);
}, 900_000);
