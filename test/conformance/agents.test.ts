/** Plain agents at a cloud: the one of `examples`, with a real Python. `agents-hostile.test.ts` has what they may not. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeviceHere, Run } from '@markco/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { conforms } from './answers.fixture.ts';
import { noPython, startAgent, startPlace } from './agents.fixture.ts';
import { eventually } from './device.fixture.ts';
import { follow } from './follow.fixture.ts';
import { onEachStore, openStores, type Environment, type Stores } from './stores.fixture.ts';

const CELL = 'print("one")\nx = 20 + 1\nx * 2';

onEachStore((name, missing) => {
  const reason = missing ?? noPython;
  const env: Environment = {};
  let base: Environment;
  let stores: Stores | undefined;
  let place: Awaited<ReturnType<typeof startPlace>>;
  let agent: Awaited<ReturnType<typeof startAgent>> | undefined;
  let id: string;
  beforeAll(async () => {
    if (reason !== undefined) return;
    stores = await openStores(name);
    base = await stores.environment();
    Object.assign(env, base);
    place = await startPlace(`# Page\n\n\`\`\`python\n${CELL}\n\`\`\`\n`, env);
    const added = await place.addAgent('attic');
    id = added.id;
    agent = await startAgent(place.cloud, added.token, place.cloud.home);
  });
  afterAll(async () => {
    await agent?.[Symbol.asyncDispose]();
    if (reason === undefined) await place[Symbol.asyncDispose]();
    await stores?.[Symbol.asyncDispose]();
  });

  test('AGENT-1 a cell runs on it, says where it ran, and its output is in the document', async ({ skip }) => {
    skip(reason !== undefined, reason);
    const devices = await place.ask<{ devices: DeviceHere[] }>('GET', '/api/devices');
    conforms('devices', { ...devices, text: '', headers: new Headers() });
    expect(devices.json.devices).toMatchObject([
      { id, name: 'attic', status: 'online', plainAgent: true, connection: { state: 'connected' } },
    ]);
    const client = place.cloud.client();
    const { id: run } = await place.submit(CELL, { documentId: place.documentId });
    const { run: ended, events, text } = await follow(client, run);
    expect(text).toBe('one\n');
    expect(ended).toMatchObject({ state: 'completed', ranOn: 'attic', routedTo: { deviceId: id } });
    expect(events.at(-1)).toMatchObject({
      type: 'result',
      payload: { data: { 'text/plain': '42' }, executionCount: 1 },
    });
    await place.ask('GET', `/api/runs/${run}/output`);
    const { projects } = (await place.ask<{ projects: { slug: string }[] }>('GET', '/api/projects')).json;
    const read = place.cloud.stock(place.userId, projects[0]?.slug ?? '', 'page');
    await eventually(() => read.doc.getText('content').toString().includes('```output\none\n42\n```'), 'the output');

    const second = await place.submit('x + 1');
    expect(await place.ended(second.id)).toMatchObject({ state: 'completed' });
    expect(second).toMatchObject({ sessionId: ended.sessionId, routedTo: { reason: 'session-affinity' } });
    const variables = await place.ask('POST', '/mrp/v1/variables', { session: ended.sessionId });
    expect(variables.json).toMatchObject({ variables: [{ name: 'x', type: 'int', value: '21' }], count: 1 });
    const log = place.cloud.log();
    expect(log).toMatch(/"device.online"/);
    expect(log).toMatch(new RegExp(`"run.routed".*"run_id":"${run}"|"run_id":"${run}".*"run.routed"`));
    await client.close();
  });

  test('AGENT-2 it asks its person, is interrupted, and is canceled', async ({ skip }) => {
    skip(reason !== undefined, reason);
    const client = place.cloud.client();
    const asks = await place.submit('name = input("Who? ")\nprint("hi", name)');
    const answered = follow(client, asks.id, ({ type }) => {
      if (type === 'stdin-request') void client.answerRun(asks.id, 'Ada');
    });
    expect(await answered).toMatchObject({ text: 'hi Ada\n', run: { state: 'completed' } });
    expect((await answered).events.map(({ type }) => type)).toContain('stdin-response');

    const sleeps = await place.submit('print("asleep", flush=True)\nimport time\ntime.sleep(1000)');
    const woken = follow(client, sleeps.id, ({ type }) => {
      if (type === 'stdout') void client.interruptSession(sleeps.sessionId);
    });
    expect(await woken).toMatchObject({ run: { state: 'failed', error: { type: 'KeyboardInterrupt' } } });

    const loops = await place.submit('print("loops")\nwhile True: pass');
    const waits = await place.submit('print("never")');
    expect(waits).toMatchObject({ state: 'queued', queuePosition: 1 });
    const [first] = [follow(client, loops.id, ({ type }) => void (type === 'stdout' && client.cancelRun(loops.id)))];
    expect(await client.cancelRun(waits.id)).toMatchObject({ state: 'cancelled' });
    expect(await first).toMatchObject({ run: { state: 'cancelled', ranOn: 'attic' } });
    expect(await place.ended((await place.submit('1')).id)).toMatchObject({ state: 'completed' });
    await client.close();
  });

  test('AGENT-3 nothing that was printed is lost when the cloud is killed in mid-run, and its agent comes back', async ({
    skip,
  }) => {
    skip(reason !== undefined, reason);
    const client = place.cloud.client();
    const run = await place.submit(
      'import time\nfor i in range(3000):\n    print(i)\n    if i % 10 == 0: time.sleep(0.005)',
    );
    let seen = 0;
    const whole = follow(client, run.id, () => void seen++);
    await eventually(() => seen > 300, 'some of it');
    await place.cloud.kill();
    await place.cloud.start();
    const { text, run: ended } = await whole;
    expect(ended.state).toBe('completed');
    expect(text).toBe(Array.from({ length: 3000 }, (_, i) => `${i}\n`).join(''));
    await client.close();
  });

  test('AGENT-4 killed in mid-run: that is told, it is not started again, and what it printed is kept', async ({
    skip,
  }) => {
    skip(reason !== undefined, reason);
    const client = place.cloud.client();
    await eventually(async () => (await devices()).at(0)?.status === 'online', 'the agent to be back');
    const code = 'open("started", "a").write("x")\nprint("before", flush=True)\nimport time\ntime.sleep(1000)';
    const run = await place.submit(code);
    const told: Run[] = [];
    client.watchProject(place.projectId, (change) => void (change.run?.id === run.id && told.push(change.run)));
    let hasPrinted = false;
    const whole = follow(client, run.id, () => void (hasPrinted = true));
    await eventually(() => hasPrinted, 'the run to print');
    await agent?.kill();
    const silent = await eventually(() => told.find(({ unreachable }) => unreachable !== undefined), 'to be told');
    expect(silent).toMatchObject({ state: 'running' });
    expect((await devices())[0]).toMatchObject({ status: 'offline', connection: { state: 'offline' } });
    expect(place.cloud.log()).toMatch(/"device.offline"/);
    expect((await place.submit('1')) as unknown).toMatchObject({ error: { code: 'not_ready' } });
    await agent?.start();
    const { run: ended, events } = await whole;
    expect(ended).toMatchObject({ state: 'failed', ranOn: 'attic', error: { type: 'lost' } });
    expect(events[0]).toMatchObject({ type: 'stdout', payload: { text: 'before\n' } });
    const next = await place.ended((await place.submit('print(open("started").read())')).id);
    expect(next.state).toBe('completed');
    expect((await follow(client, next.id)).text).toBe('x\n');
    const metrics = await fetch(`${place.cloud.origin}/metrics`, {
      headers: { authorization: `Bearer ${place.cloud.token}` },
    });
    expect(await metrics.text()).toMatch(/remote_runs_total\{target="agent",outcome="lost"\} 1/);
    await client.close();
  });

  test('AGENT-5 switched off and on again: it is not let in, nothing is lost, and it goes on where it was', async ({
    skip,
  }) => {
    skip(reason !== undefined, reason);
    const client = place.cloud.client();
    const run = await place.submit(
      'import os, time\nprint("begun", flush=True)\nwhile not os.path.exists("go"): time.sleep(0.02)\nprint("gone on")',
    );
    let begun = false;
    const whole = follow(client, run.id, () => void (begun = true));
    await eventually(() => begun, 'the run to begin');
    await restart({ ENABLE_DEVICE_AGENT: '0' });
    expect(await place.run(run.id)).toMatchObject({ state: 'running', unreachable: expect.any(String) });
    expect(await devices()).toEqual([]);
    expect((await place.submit('1')) as unknown).toMatchObject({ error: { code: 'not_ready' } });
    expect((await place.ask('POST', '/api/agents', { name: 'new' })).json).toMatchObject({
      error: { message: expect.stringContaining('ENABLE_DEVICE_AGENT=0') },
    });
    await eventually(() => agent?.log().includes('ENABLE_DEVICE_AGENT=0'), 'the agent to be told why');

    await restart({ ENABLE_REMOTE_EXEC_ROUTING: '0' });
    await writeFile(join(place.cloud.home, 'go'), '');
    expect(await whole).toMatchObject({ text: 'begun\ngone on\n', run: { state: 'completed' } });
    for (const path of ['/api/runs', '/api/placement'])
      expect(
        (await place.ask('POST', path, { projectId: place.projectId, language: 'python', code: '1' })).json,
      ).toMatchObject({
        error: { code: 'not_ready', message: expect.stringContaining('ENABLE_REMOTE_EXEC_ROUTING=0') },
      });
    expect((await place.ask('GET', '/api/peer')).json).toMatchObject({ closed: expect.stringContaining('no runs') });
    await restart({});
    await eventually(async () => (await devices())[0]?.status === 'online', 'the agent to be back');
    expect(await place.ended((await place.submit('1')).id)).toMatchObject({ state: 'completed' });
    await client.close();
  });

  const devices = async (): Promise<readonly DeviceHere[]> =>
    (await place.ask<{ devices: DeviceHere[] }>('GET', '/api/devices')).json.devices;

  async function restart(flags: Readonly<Record<string, string>>): Promise<void> {
    await place.cloud.kill();
    for (const name of Object.keys(env)) delete env[name];
    Object.assign(env, base, flags);
    await place.cloud.start();
  }
});
