/** A session that moves to another device with its values, and back, between a laptop and a server that stands in for it. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Run, RunEvent, RunId, SessionHere } from '@markco/protocol';
import { expect, test } from 'vitest';
import { eventually, messagesOf, newRunId, type Device } from './device.fixture.ts';
import { runMarkco } from './markco.fixture.ts';
import { connectedTo, pair, SOON_MS, start } from './paired.fixture.ts';

type Moved = {
  readonly session: { readonly id: string; readonly kept: number; readonly lost: string[]; lostCount: number };
};

async function submit(device: Device, code: string, about: object = {}): Promise<RunId> {
  const body = { id: newRunId(), projectId: device.project.id, language: 'python', code, ...about };
  return (await device.get<Run>('/api/runs', { body })).id;
}
const ended = (device: Device, id: RunId): Promise<Run> =>
  eventually(
    async () => {
      const run = await device.get<Run>(`/api/runs/${id}`);
      return run.completedAt === undefined ? null : run;
    },
    'the end of a run',
    SOON_MS,
  );
/** What it printed, and where it ran. */
async function run(
  device: Device,
  code: string,
  about: object = {},
): Promise<{ on: string | undefined; text: string }> {
  const { id, ranOn } = await ended(device, await submit(device, code, about));
  const { messages } = await messagesOf(device.socket(`/api/runs/${id}/events`));
  const text = (messages as RunEvent[]).map(({ payload }) => ('text' in payload ? payload.text : '')).join('');
  return { on: ranOn, text };
}
const sessionsOf = async (device: Device): Promise<readonly SessionHere[]> =>
  (await device.get<{ sessions: SessionHere[] }>('/api/sessions')).sessions;
const places = async (device: Device): Promise<readonly string[]> =>
  (await sessionsOf(device)).map(({ language, deviceName }) => `${language}@${deviceName ?? 'here'}`).toSorted();

/** The record of an audit about this, once it is there. */
const noted = (audit: string, event: string): Record<string, string> | undefined =>
  audit
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, string>)
    .find((record) => record['event'] === event);

const VALUES = `import mine
rows = [1, 2]
same = rows
def total(): return sum(rows) + offset
offset = 10
stream = (n for n in rows)`;

test('MOVE-1 a session moves with its values, runs follow it, and what fails leaves it as it was', async () => {
  await using laptop = await start('laptop', { 'page.md': '# Page\n' });
  await using server = await start('server', { 'own.md': '# Own\n' }, { MARKCO_FALLBACK: '1' });
  const markco = (...words: string[]) => runMarkco(laptop.home, ...words);
  const migrate = (id: string | undefined, body: object) => laptop.ask(`/api/sessions/${id}/migrate`, { body });
  await pair(laptop, server);
  await eventually(async () => (await connectedTo(laptop)).includes('server'), 'the server', SOON_MS);

  // A module beside the pages is not on the server: what is of it does not fit there.
  await writeFile(join(laptop.folder, 'mine.py'), 'class Thing: pass\n');
  await run(laptop, `${VALUES}\nthing = mine.Thing()`);
  await run(laptop, 'echo', { language: 'bash' });
  const here = await sessionsOf(laptop);
  const [bash, python] = ['bash', 'python'].map((wanted) => here.find(({ language }) => language === wanted)?.id);
  expect(await migrate(bash, { target: 'cloud' })).toMatchObject({
    status: 501,
    json: { error: { message: expect.stringMatching(/Bash keeps its values in its process.*markco run FILE --on/) } },
  });
  expect(await migrate(python, { target: 'cloud' })).toMatchObject({
    status: 501,
    json: { error: { message: expect.stringMatching(/No module named 'mine'.*on laptop as it was/) } },
  });
  expect(await places(laptop)).toEqual(['bash@here', 'python@here']);
  expect(await run(laptop, 'del thing, mine\nrows.append(same is rows)\nprint(total())')).toMatchObject({
    on: 'laptop',
    text: '14\n',
  });

  const { session } = (await markco('migrate', 'python', '--to', 'cloud', '--json')) as Moved;
  expect(session).toMatchObject({ kept: 4, lostCount: 1, lost: [expect.stringMatching(/^stream \(a generator/)] });
  expect(await places(laptop)).toEqual(['bash@here', 'python@server']);
  // Both write down that it went: who moved it, and who was given it.
  const audit = (device: Device): Promise<string> => readFile(join(device.home, 'audit.jsonl'), 'utf8');
  const migrated = {
    event: 'session.migrated',
    project_id: laptop.project.id,
    route_target: 'device',
    reason: 'python',
  };
  const moved = await eventually(async () => noted(await audit(laptop), 'session.migrated'), 'it to be noted');
  expect(moved).toMatchObject({
    ...migrated,
    about: expect.stringMatching(new RegExp(`^${python} .* ${session.id} `)),
  });
  expect(
    await eventually(async () => noted(await audit(server), 'session.arrived'), 'it to be noted there'),
  ).toMatchObject({
    ...{ project_id: laptop.project.id, reason: 'python' },
  });
  const there = await run(laptop, 'rows.append(5)\nprint(total(), same is rows)');
  expect(there).toMatchObject({ on: 'server' });
  expect(there.text).toMatch(
    /This session was moved here from laptop\. Its values are here \(4 names\)\. Not kept: stream\./,
  );
  expect(there.text).toContain('19 True\n');
  for (const event of ['session.migrated', 'session.arrived'])
    expect([laptop.log(), server.log()].filter((log) => log.includes(`"event":"${event}"`))).toHaveLength(1);

  // Back, once the run that is on has ended; without being asked to wait, it stays.
  const asks = await submit(laptop, 'offset = int(input("how many? "))');
  await eventually(async () => (await laptop.get<Run>(`/api/runs/${asks}`)).state === 'running', 'the run', SOON_MS);
  const target = { deviceId: (await laptop.get<{ device: { id: string } }>('/api/device')).device.id };
  expect(await migrate(session.id, { target })).toMatchObject({
    status: 409,
    json: { error: { message: expect.stringContaining('--wait') } },
  });
  const waits = markco('migrate', 'python@server', '--to', 'laptop', '--wait', '--json') as Promise<Moved>;
  await eventually(
    async () => (await laptop.ask(`/api/runs/${asks}/input`, { body: { text: '100' } })).status === 200,
    'the run to take an answer',
    SOON_MS,
  );
  const back = await waits;
  expect(await places(laptop)).toEqual(['bash@here', 'python@here']);
  expect(await run(laptop, 'print(total())')).toMatchObject({ on: 'laptop', text: expect.stringContaining('109\n') });

  // A session of the same name there has values of its own.
  await run(laptop, 'offset = "of the server"', { runOn: 'server' });
  expect(await migrate(back.session.id, { target: 'cloud' })).toMatchObject({
    status: 409,
    json: { error: { message: expect.stringContaining('--replace') } },
  });
  expect(await migrate(back.session.id, { target: 'cloud', replace: true })).toMatchObject({ status: 200 });
  expect(await places(laptop)).toEqual(['bash@here', 'python@server']);
  expect(await run(laptop, 'print(offset)')).toMatchObject({ on: 'server', text: expect.stringContaining('100\n') });
  expect(await migrate(back.session.id, { target: 'cloud' })).toMatchObject({ status: 404 });
});
