import { expect, test } from 'vitest';
import { eventually, eventsOf, finished, firstEvent, testDevice } from './runs.fixture.ts';

test('a cell whose time is over is interrupted, says so, and its session lives', async () => {
  await using device = await testDevice();
  const { run, events } = await finished(
    device.runs,
    device.request('#| timeout: 300ms\nx = 1\nprint("begun")\nwhile True: pass'),
  );
  expect(run).toMatchObject({ state: 'failed', error: { type: 'TimeLimit' } });
  expect(run.error?.message).toContain('longer than the 300 ms that its `timeout` allows');
  expect(events.at(-1)).toMatchObject({ type: 'error', payload: { type: 'TimeLimit' } });
  expect((await finished(device.runs, device.request('print(x)'))).text).toBe('1\n');
});

test('a cell that ends in time, or has another limit in a string, is left alone', async () => {
  await using device = await testDevice();
  expect((await finished(device.runs, device.request('#| timeout: 30s\nprint(1)'))).run.state).toBe('completed');
  const later = 'import time\ns = """\n#| timeout: 1ms\n"""\ntime.sleep(0.1)';
  expect((await finished(device.runs, device.request(later))).run.state).toBe('completed');
});

test('one that resists is ended with its session, and says why', async () => {
  await using device = await testDevice();
  const stubborn =
    '#| timeout: 200ms\nimport signal, time\nfor s in (2, 15): signal.signal(s, signal.SIG_IGN)\nwhile True: time.sleep(1)';
  const { run } = await finished(device.runs, device.request(stubborn));
  expect(run).toMatchObject({ state: 'failed', error: { type: 'TimeLimit' } });
});

test('the limit counts on when the host was away', async () => {
  await using device = await testDevice();
  const request = device.request('#| timeout: 1s\nprint("on")\nwhile True: pass');
  await device.runs.submit(request);
  await firstEvent(device.runs, request.id, ({ type }) => type === 'stdout');
  await device.runs.close({ keepSessions: true });
  const next = await device.host();
  await next.recover();
  await eventsOf(next, request.id);
  await eventually(async () => (await next.get(request.id))?.state === 'failed');
  expect((await next.get(request.id))?.error?.type).toBe('TimeLimit');
});

test('it holds in every language alike', async () => {
  await using device = await testDevice();
  const { session } = device.request('');
  const request = device.request('#| timeout: 500ms\necho begun; sleep 60', {
    session: { ...session, language: 'bash' } as typeof session,
  });
  const { run, events } = await finished(device.runs, request);
  expect(run).toMatchObject({ state: 'failed', error: { type: 'TimeLimit' } });
  expect(events.at(-1)).toMatchObject({ type: 'error', payload: { type: 'TimeLimit' } });
});
