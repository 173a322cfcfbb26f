/** What a plain agent may not, and what it cannot break: said by sockets that do not keep to the protocol. */
import { ROUTES, SOCKET_ROUTES, type Route, type Run } from '@markco/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { openAgent, startPlace } from './agents.fixture.ts';
import { eventually, newRunId, refusalOf } from './device.fixture.ts';
import { onEachStore, openStores, type Stores } from './stores.fixture.ts';

onEachStore((name, missing) => {
  let stores: Stores | undefined;
  let place: Awaited<ReturnType<typeof startPlace>>;
  let wsOrigin: string;
  let named = 0;
  beforeAll(async () => {
    if (missing !== undefined) return;
    stores = await openStores(name);
    place = await startPlace('# Page\n', await stores.environment());
    wsOrigin = place.cloud.origin.replace('http', 'ws');
  });
  afterAll(async () => {
    if (missing === undefined) await place[Symbol.asyncDispose]();
    await stores?.[Symbol.asyncDispose]();
  });
  const fresh = async () => place.addAgent(`agent ${++named}`);
  /** Everything that an agent could have changed. */
  async function state(): Promise<unknown> {
    const paths = ['/api/runs', '/api/devices', '/api/sessions', '/api/projects', '/api/agents'];
    const answers = await Promise.all(paths.map(async (path) => (await place.ask('GET', path)).json));
    return JSON.parse(JSON.stringify(answers).replaceAll(/"(heartbeatAt|lastSeenAt)":"[^"]+"/g, '"$1":""'));
  }

  test('AGENT-10 its token takes runs, and opens nothing else', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const { token } = await fresh();
    for (const [name, { method, path, open, body }] of Object.entries<Route>(ROUTES)) {
      if (open === true) continue;
      const answer = await fetch(`${place.cloud.origin}${path.replaceAll(/:\w+/g, newRunId()).replace('*', 'x')}`, {
        ...{ method, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } },
        ...(body === undefined ? {} : { body: '{}' }),
      });
      // What is no route of a cloud is none for anybody.
      expect([name, [403, 404].includes(answer.status)]).toEqual([name, true]);
    }
    for (const path of [SOCKET_ROUTES.stream, SOCKET_ROUTES.link, SOCKET_ROUTES.signal, '/sync/a/b/c'])
      expect(
        await refusalOf(new WebSocket(`${wsOrigin}${path}`, { headers: { authorization: `Bearer ${token}` } })),
      ).toMatchObject({ status: 403 });
    for (const others of [place.cloud.token, 'x'])
      expect((await refusalOf(new WebSocket(`${wsOrigin}/api/agents/connect?token=${others}`))).status).toBe(
        others === 'x' ? 401 : 403,
      );
    const { json } = await place.ask<object>('GET', '/api/agents');
    expect(JSON.stringify(json)).not.toContain(token);
  });

  test('AGENT-11 bad messages are answered with why, change nothing, and end the connection when there are many', async ({
    skip,
  }) => {
    skip(missing !== undefined, missing);
    const { token } = await fresh();
    using early = await openAgent(place, token);
    early.say({ type: 'HEARTBEAT' });
    expect(await early.next('ERROR')).toMatchObject({ code: 'bad_request' });
    expect((await early.closed())[0]).toBe(1008);

    using agent = await openAgent(place, token);
    await agent.register();
    const before = await state();
    const bad: readonly (readonly [object | string, string])[] = [
      ['{"', 'bad_request'],
      ['[]', 'bad_request'],
      [{ type: 'DANCE' }, 'bad_request'],
      [{ type: 'RUNTIME_UP' }, 'bad_request'],
      [{ type: 'RUNTIME_DOWN', runtime_id: 'none' }, 'not_found'],
      [{ type: 'REGISTER', instance: 'i', runtimes: [] }, 'bad_request'],
      [{ type: 'RUNTIME_UP', runtime: { runtime_id: 'x', language: 'cobol' } }, 'bad_request'],
      [{ type: 'HEARTBEAT', timestamp: 'yesterday' }, 'bad_request'],
      [{ type: 'MRP_RESPONSE', reply_to: newRunId(), seq: 0, event: 'stdout', data: { content: 7 } }, 'bad_request'],
    ];
    for (const [message, code] of bad) {
      if (typeof message === 'string') agent.raw(message);
      else agent.say(message);
      expect(await agent.next('ERROR')).toMatchObject({ code });
    }
    // Of a run that is nobody's nothing is kept.
    agent.stream(newRunId(), 0, 'stdout', { content: 'mine now' });
    await agent.next('HEARTBEAT');
    expect(await state()).toEqual(before);
    for (let i = 0; i < 400; i++) agent.say({ type: 'HEARTBEAT' });
    expect((await agent.closed())[0]).toBe(4429);

    const again = await fresh();
    using other = await openAgent(place, again.token);
    other.say({ type: 'HEARTBEAT', user_id: newRunId() });
    expect((await other.closed())[0]).toBe(4403);
    using large = await openAgent(place, again.token);
    large.raw('x'.repeat(1024 * 1024 + 1));
    expect((await large.closed())[0]).toBe(1009);
    using bytes = await openAgent(place, again.token);
    bytes.raw(Buffer.from('{}'));
    expect((await bytes.closed())[0]).toBe(1008);
  });

  test('AGENT-12 a cut connection goes on where it was, and what comes twice, late or after the end counts once', async ({
    skip,
  }) => {
    skip(missing !== undefined, missing);
    const { id, token } = await fresh();
    using agent = await openAgent(place, token);
    await agent.register();
    const { id: run } = await place.submit('1', { runOn: id });
    expect(await agent.next('MRP_REQUEST')).toMatchObject({ message_id: run, body: { code: '1', execId: run } });
    agent.stream(run, 0, 'start');
    agent.stream(run, 1, 'stdout', { content: 'a' });
    agent.stream(run, 5, 'stdout', { content: 'from the future' });
    expect(await agent.next('ERROR')).toMatchObject({ code: 'bad_request' });
    await eventually(async () => (await place.run(run)).state === 'running', 'the start');
    agent.cut();
    const silent = await eventually(async () => {
      const now = await place.run(run);
      return now.unreachable === undefined ? undefined : now;
    }, 'it to be out of reach');
    expect(silent.state).toBe('running');

    using back = await openAgent(place, token);
    const unknown = newRunId();
    const welcome = await back.register([run, unknown]);
    expect(welcome).toMatchObject({ resume: [{ request_id: run, next_seq: 2 }], forget: [unknown] });
    back.stream(run, 0, 'start');
    back.stream(run, 1, 'stdout', { content: 'a' });
    back.stream(run, 2, 'stdout', { content: 'b' });
    back.stream(run, 3, 'result', { result: '1', executionCount: 1, duration: 1 });
    back.stream(run, 4, 'stdout', { content: 'after the end' });
    expect(await place.ended(run)).toMatchObject({ state: 'completed' });
    const client = place.cloud.client();
    const text = await new Promise<string>((resolve) => {
      let said = '';
      client.followRun(run, 0, {
        onEvent: (event) => void (said += event.type === 'stdout' ? event.payload.text : ''),
        onEnd: () => resolve(said),
      });
    });
    expect(text).toBe('ab');
    await client.close();
    // The same again, and another agent that speaks for it: both change nothing.
    expect(await place.submit('1', { id: run })).toMatchObject({ id: run, state: 'completed' });
    expect(back.heard.filter(({ type }) => type === 'MRP_REQUEST')).toEqual([]);
    const thief = await fresh();
    const { id: second } = await place.submit('2', { runOn: id });
    await back.next('MRP_REQUEST');
    using other = await openAgent(place, thief.token);
    await other.register([second], 'thief');
    other.stream(second, 0, 'result', { result: 'stolen' });
    await other.next('HEARTBEAT');
    expect(await place.run(second)).toMatchObject({ state: 'scheduled' });
  });

  test('AGENT-13 removed: its connection ends at once, its run is told to be lost, and its token is worth nothing', async ({
    skip,
  }) => {
    skip(missing !== undefined, missing);
    const { id, token } = await fresh();
    using agent = await openAgent(place, token);
    await agent.register();
    const { id: run } = await place.submit('1', { runOn: id });
    await agent.next('MRP_REQUEST');
    agent.stream(run, 0, 'start');
    await eventually(async () => (await place.run(run)).state === 'running', 'the start');
    expect((await place.ask('DELETE', `/api/agents/${id}`)).status).toBe(204);
    expect((await agent.closed())[0]).toBe(4401);
    expect(await place.ended(run)).toMatchObject({ state: 'failed', error: { type: 'lost' } });
    expect(
      (
        await refusalOf(
          new WebSocket(`${wsOrigin}/api/agents/connect`, { headers: { authorization: `Bearer ${token}` } }),
        )
      ).status,
    ).toBe(401);
    expect((await place.ask('DELETE', `/api/agents/${id}`)).status).toBe(404);
    expect((await place.ask('POST', '/api/agents', { name: 'agent 1' })).json).toMatchObject({
      error: { code: 'conflict' },
    });
    const made = await Promise.all(
      Array.from({ length: 20 }, () => place.ask('POST', '/api/agents', { name: `n ${++named}` })),
    );
    expect(made.map(({ status }) => status)).toContain(429);
    expect((await place.ask<{ runs: Run[] }>('GET', '/api/runs')).json.runs.length).toBeGreaterThan(0);
  });
});
