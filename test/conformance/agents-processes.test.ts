/** Plain agents at a cloud of two processes: which of them an agent is connected to is nobody's business. */
import type { DeviceHere, Run, RunEvent, RunId, SessionHere } from '@markco/protocol';
import { NO_NATS, startNats, type NatsServer } from '@markco/rendezvous/processes/nats.fixture';
import { NO_POSTGRES, startPostgres } from '@markco/rendezvous/store/postgres.fixture';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { noPython, openAgent, placeAt, placeOf, startAgent, type Place } from './agents.fixture.ts';
import { startCloud, type CloudProgram } from './cloud.fixture.ts';
import { eventually, newRunId } from './device.fixture.ts';
import { follow } from './follow.fixture.ts';
import { printedBy, startSpeaker } from './speaker.fixture.ts';

const SOON_MS = 30_000;
const CELL = 'print("one")\nx = 20 + 1\nx * 2';
const missing = NO_POSTGRES ?? NO_NATS;

let nats: NatsServer;
/** The same cloud, asked at its first process and at its second. */
let one: Place;
let two: Place;
const ends = new AsyncDisposableStack();
beforeAll(async () => {
  if (missing !== undefined) return;
  nats = ends.use(await startNats());
  const postgres = ends.use(await startPostgres());
  const env = { DATABASE_URL: await postgres.database(), NATS_URL: nats.url };
  const first = ends.use(await startCloud(env));
  const second = ends.use(await startCloud(env, first.token));
  one = await placeAt(first, `# Page\n\n\`\`\`python\n${CELL}\n\`\`\`\n`);
  two = placeOf(second, one.userId, one.projectId, one.documentId);
  const listed = async (): Promise<boolean> =>
    (await second.get<{ projects: object[] }>('/api/projects')).json.projects.length === 1;
  await eventually(listed, 'the project at the other process', SOON_MS);
});
afterAll(() => ends.disposeAsync());

const online = async ({ ask }: Place): Promise<readonly string[]> =>
  (await ask<{ devices: DeviceHere[] }>('GET', '/api/devices')).json.devices
    .filter(({ status }) => status === 'online')
    .map(({ name }) => name);
const isAt = (place: Place, name: string): Promise<boolean> =>
  eventually(async () => (await online(place)).includes(name), `${name} to be there`, SOON_MS);
const typesOf = (events: readonly RunEvent[]): readonly string[] => events.map(({ type }) => type);

/** An agent that is known to both processes. */
async function addAgent(name: string): Promise<{ readonly id: string; readonly token: string }> {
  const added = await one.addAgent(name);
  const listed = async (): Promise<boolean> =>
    (await two.ask<{ agents: { id: string }[] }>('GET', '/api/agents')).json.agents.some(({ id }) => id === added.id);
  await eventually(listed, 'the agent to be known to the other process', SOON_MS);
  return added;
}

test('AGENT-20 what is begun at one process runs on an agent of the other: seen, asked, answered and stopped from both', async ({
  skip,
}) => {
  const reason = missing ?? noPython;
  skip(reason !== undefined, reason);
  const { id, token } = await addAgent('attic');
  await using _agent = await startAgent(one.cloud, token, one.cloud.home);
  await isAt(two, 'attic');
  const [near, far] = [one.cloud.client(), two.cloud.client()];
  const told: Run[] = [];
  const stopWatching = far.watchProject(
    two.projectId,
    (change) => void (change.run !== undefined && told.push(change.run)),
  );
  // Said on the same connection after it: once this is answered, it is watched.
  await expect(far.cancelRun(newRunId())).rejects.toMatchObject({ code: 'not_found' });

  const begun = await two.submit(CELL, { documentId: two.documentId, runOn: id });
  const [here, there] = await Promise.all([follow(near, begun.id), follow(far, begun.id)]);
  expect(here.text).toBe('one\n');
  expect(here.events).toEqual(there.events);
  expect(there.run).toMatchObject({ state: 'completed', ranOn: 'attic', routedTo: { deviceId: id } });
  await eventually(
    () => told.some((run) => run.id === begun.id && run.state === 'completed'),
    'the page to be told',
    SOON_MS,
  );
  const { projects } = (await two.ask<{ projects: { slug: string }[] }>('GET', '/api/projects')).json;
  const read = two.cloud.stock(two.userId, projects[0]?.slug ?? '', 'page');
  const text = (): string => read.doc.getText('content').toString();
  await eventually(() => text().includes('```output\none\n42\n```'), 'the output', SOON_MS);
  const sessions = (await two.ask<{ sessions: SessionHere[] }>('GET', '/api/sessions')).json.sessions;
  expect(sessions).toMatchObject([{ id: there.run.sessionId, deviceName: 'attic', hostDeviceId: id }]);
  const variables = await two.ask('POST', '/mrp/v1/variables', { session: there.run.sessionId });
  expect(variables.json).toMatchObject({ variables: [{ name: 'x', type: 'int', value: '21' }] });

  const asks = await two.submit('name = input("Who? ")\nprint("hi", name)', { runOn: id });
  const answered = await follow(
    far,
    asks.id,
    ({ type }) => void (type === 'stdin-request' && far.answerRun(asks.id, 'Ada')),
  );
  expect([answered.text, typesOf(answered.events)]).toMatchObject([
    'hi Ada\n',
    expect.arrayContaining(['stdin-response']),
  ]);
  const sleeps = await two.submit('print("asleep", flush=True)\nimport time\ntime.sleep(1000)', { runOn: id });
  const woken = await follow(
    far,
    sleeps.id,
    ({ type }) => void (type === 'stdout' && far.interruptSession(sleeps.sessionId)),
  );
  expect(woken.run).toMatchObject({ state: 'failed', error: { type: 'KeyboardInterrupt' } });
  const loops = await two.submit('print("loops", flush=True)\nwhile True: pass', { runOn: id });
  const ended = await follow(far, loops.id, ({ type }) => void (type === 'stdout' && far.cancelRun(loops.id)));
  expect(ended.run).toMatchObject({ state: 'cancelled', ranOn: 'attic' });
  // The same id at both at once is one run.
  const same = { id: newRunId(), runOn: id };
  await Promise.all([
    one.submit('open("once", "a").write("x")', same),
    two.submit('open("once", "a").write("x")', same),
  ]);
  expect(await two.ended(same.id)).toMatchObject({ state: 'completed' });
  const after = await one.submit('print(open("once").read())', { runOn: id });
  expect((await follow(near, after.id)).text).toBe('x\n');
  stopWatching();
});

/** Begins a run at the second process on an agent that is at the first. */
async function beginTalk(
  agent: string,
): Promise<{ readonly run: RunId; readonly both: ReturnType<typeof followBoth> }> {
  await isAt(two, agent);
  const { id } = await two.submit('1', { runOn: agent });
  return { run: id, both: followBoth(id) };
}
const followBoth = (id: RunId) => Promise.all([one, two].map(({ cloud }) => follow(cloud.client(), id)));

test('AGENT-21 either process is killed in mid-run: its agent comes to the other, and nothing that was acknowledged is lost', async ({
  skip,
}) => {
  skip(missing !== undefined, missing);
  const { token } = await addAgent('loft');
  let door: CloudProgram | undefined = one.cloud;
  using speaker = startSpeaker(token, () => door);
  const { run, both } = await beginTalk('loft');
  const isKept = (count: number) =>
    eventually(() => speaker.acknowledged(run) > count, `${count} messages to be kept`, SOON_MS);
  await isKept(20);
  // Where it is not: who follows there comes again.
  await two.cloud.kill();
  await isKept(speaker.acknowledged(run) + 20);
  await two.cloud.start();
  // Where it is: it comes to the other one.
  door = undefined;
  await one.cloud.kill();
  const before = speaker.acknowledged(run);
  door = two.cloud;
  await isKept(before + 20);
  expect(await two.run(run)).toMatchObject({ state: 'running' });
  await one.cloud.start();
  await isAt(one, 'loft');
  await isKept(speaker.acknowledged(run) + 20);
  speaker.finish(run);
  for (const { run: ended, text } of await both) {
    expect(ended).toMatchObject({ state: 'completed', ranOn: 'loft' });
    expect(text).toBe(printedBy(speaker.printed(run)));
  }
  expect(speaker.handed).toEqual([run]);
  // The one that it was at hears that it is elsewhere, and knows what it runs.
  expect((await one.submit('1', { runOn: 'loft' })).state).toBe('queued');
  await eventually(() => speaker.handed.length === 2, 'the next run, begun at the other process', SOON_MS);
});

test('AGENT-22 without a way between the processes runs are begun, followed, asked about, answered and stopped at both all the same', async ({
  skip,
}) => {
  const reason = missing ?? noPython;
  skip(reason !== undefined, reason);
  const { id, token } = await addAgent('barn');
  await using _agent = await startAgent(one.cloud, token, one.cloud.home);
  await isAt(two, 'barn');
  await nats.kill();
  const away = (): boolean => [one, two].every(({ cloud }) => cloud.log().includes('processes.away'));
  await eventually(away, 'both to notice', SOON_MS);
  const far = two.cloud.client();
  const answer = async (run: RunId): Promise<void> => {
    expect((await two.ask('POST', `/api/runs/${run}/input`, { text: 'canary' })).status).toBe(200);
  };
  let answering: Promise<void> | undefined;
  const asks = await two.submit('name = input("Who? ")\nprint("hi", name)', { runOn: id });
  const answered = await follow(far, asks.id, ({ type }) => {
    if (type === 'stdin-request') answering = answer(asks.id);
  });
  await answering;
  expect(answered.text).toBe('hi canary\n');
  const variables = await two.ask('POST', '/mrp/v1/variables', { session: asks.sessionId });
  expect(variables.json).toMatchObject({ variables: [{ name: 'name', value: "'canary'" }] });
  const refused = await two.ask('POST', `/api/runs/${asks.id}/input`, { text: 'late' });
  expect(refused.json).toMatchObject({ error: { message: expect.stringContaining('does not wait') } });
  let stopping: ReturnType<typeof two.ask> | undefined;
  const loops = await two.submit('print("loops", flush=True)\nwhile True: pass', { runOn: id });
  const ended = await follow(far, loops.id, ({ type }) => {
    if (type === 'stdout') stopping = two.ask('POST', `/api/runs/${loops.id}/cancel`);
  });
  expect([(await stopping)?.status, ended.run]).toMatchObject([200, { state: 'cancelled', ranOn: 'barn' }]);
  await nats.start();
  const after = await two.submit('print("back")', { runOn: id });
  expect((await follow(far, after.id)).text).toBe('back\n');
});

test('AGENT-23 an agent has one connection, whichever processes it comes to, and none once it is removed at any of them', async ({
  skip,
}) => {
  skip(missing !== undefined, missing);
  const { id, token } = await addAgent('shed');
  using first = await openAgent(one, token);
  await first.register();
  await isAt(two, 'shed');
  using second = await openAgent(two, token);
  await second.register();
  expect((await first.closed())[0]).toBe(4403);
  const { id: run } = await one.submit('1', { runOn: id });
  await second.next('MRP_REQUEST');
  second.stream(run, 0, 'start');
  await eventually(async () => (await one.run(run)).state === 'running', 'the start', SOON_MS);
  expect((await one.ask('DELETE', `/api/agents/${id}`)).status).toBe(204);
  expect((await second.closed())[0]).toBe(4401);
  for (const place of [one, two])
    expect(await place.ended(run)).toMatchObject({ state: 'failed', error: { type: 'lost' } });
});
