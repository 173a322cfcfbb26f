import { expect, test } from 'vitest';
import { eventsOf, finished, firstEvent, memoryStore, testDevice, textOf } from './runs.fixture.ts';

const soon = (): AbortSignal => AbortSignal.timeout(20_000);

test('an endless loop is cancelled with the session kept', async () => {
  await using device = await testDevice();
  await finished(device.runs, device.request('x = 7'));
  const request = device.request('print("on")\nwhile True: pass');
  await device.runs.submit(request);
  await firstEvent(device.runs, request.id, ({ type }) => type === 'stdout');
  const run = await device.runs.cancel(request.id, soon());
  expect(run.state).toBe('cancelled');
  expect((await eventsOf(device.runs, request.id)).at(-1)).toMatchObject({
    type: 'error',
    payload: { type: 'KeyboardInterrupt' },
  });
  expect((await finished(device.runs, device.request('x'))).events.at(-1)).toMatchObject({
    payload: { data: { 'text/plain': '7' } },
  });
});

test('an endless print is cancelled at once, everything it printed is whole', async () => {
  await using device = await testDevice();
  const request = device.request('i = 0\nwhile True:\n    print(i)\n    i += 1');
  await device.runs.submit(request);
  await firstEvent(device.runs, request.id, (event) => event.seq > 3);
  expect((await device.runs.cancel(request.id, soon())).state).toBe('cancelled');
  const lines = textOf(await eventsOf(device.runs, request.id))
    .split('\n')
    .slice(0, -2);
  expect(lines.every((line, index) => line === String(index))).toBe(true);
});

test.each([
  [
    'catches every interrupt',
    'first = True\nwhile True:\n    try:\n        if first:\n            first = False\n            print("before")\n        while True: pass\n    except KeyboardInterrupt: pass',
  ],
  [
    'ignores the signals',
    'import signal\nfor s in (signal.SIGINT, signal.SIGTERM): signal.signal(s, signal.SIG_IGN)\nprint("before")\nwhile True: pass',
  ],
])('code that %s is ended all the same, its output kept', async (_, code) => {
  await using device = await testDevice();
  const request = device.request(code);
  await device.runs.submit(request);
  await firstEvent(device.runs, request.id, () => true);
  expect((await device.runs.cancel(request.id, soon())).state).toBe('cancelled');
  const events = await eventsOf(device.runs, request.id);
  expect(textOf(events)).toBe('before\n');
  expect(events.at(-1)).toMatchObject({ type: 'error', payload: { type: 'SessionEnded' } });
  expect((await finished(device.runs, device.request('1 + 1'))).run.state).toBe('completed');
});

test('a worker that is killed ends its run as failed, with its output, and those that wait for its variables', async () => {
  await using device = await testDevice();
  const dies = device.request('print("last words")\nimport os, signal\nos.kill(os.getpid(), signal.SIGKILL)');
  const waits = device.request('1');
  await Promise.all([device.runs.submit(dies), device.runs.submit(waits)]);
  const events = await eventsOf(device.runs, dies.id);
  expect(textOf(events)).toBe('last words\n');
  expect(events.at(-1)).toMatchObject({ seq: events.length - 1, type: 'error', payload: { type: 'SessionEnded' } });
  expect((await device.runs.get(dies.id))?.state).toBe('failed');
  expect((await eventsOf(device.runs, waits.id)).at(-1)).toMatchObject({ payload: { type: 'SessionEnded' } });
  expect((await finished(device.runs, device.request('1'))).run.state).toBe('completed');
});

test('a hundred interrupts in the middle of writing tear no event, and each ends its run', async () => {
  await using device = await testDevice();
  for (let trial = 0; trial < 100; trial++) {
    const request = device.request('while True: display(1)');
    await device.runs.submit(request);
    await firstEvent(device.runs, request.id, (event) => event.seq === trial % 7);
    expect((await device.runs.cancel(request.id, soon())).state).toBe('cancelled');
    expect((await eventsOf(device.runs, request.id)).at(-1)).toMatchObject({
      type: 'error',
      payload: { type: 'KeyboardInterrupt' },
    });
  }
});

test('an interpreter that crashes leaves its last words', async () => {
  await using device = await testDevice();
  const { run, events } = await finished(
    device.runs,
    device.request('print("before")\nimport ctypes\nctypes.string_at(0)'),
  );
  expect(run).toMatchObject({
    state: 'failed',
    error: { type: 'SessionEnded', message: expect.stringContaining('SIGSEGV') },
  });
  const last = events.at(-1);
  expect(last?.type === 'error' && last.payload.traceback.join('\n')).toContain(
    'Fatal Python error: Segmentation fault',
  );
});

test('a question that nobody answers can be cancelled', async () => {
  await using device = await testDevice();
  const request = device.request('input("?")');
  await device.runs.submit(request);
  await firstEvent(device.runs, request.id, (event) => event.type === 'stdin-request');
  expect((await device.runs.cancel(request.id, soon())).state).toBe('cancelled');
});

test('a run that is cancelled before its code has begun is interrupted when it begins, the session kept', async () => {
  await using device = await testDevice();
  await finished(device.runs, device.request('x = 7'));
  for (let trial = 0; trial < 20; trial++) {
    const request = device.request('while True: pass');
    await device.runs.submit(request);
    const { promise: running, resolve } = Promise.withResolvers<void>();
    const stop = device.runs.onChange((run) => {
      if (run.id === request.id && run.state === 'running') resolve();
    });
    if ((await device.runs.get(request.id))?.state === 'running') resolve();
    await running;
    stop();
    expect((await device.runs.cancel(request.id, soon())).state).toBe('cancelled');
  }
  expect((await finished(device.runs, device.request('x'))).events.at(-1)).toMatchObject({
    payload: { data: { 'text/plain': '7' } },
  });
});

test('a run is cancelled also while the disk takes nothing, and its end is noted once it does', async () => {
  const rows = memoryStore();
  let full = false;
  await using device = await testDevice({
    store: { ...rows, put: (...row) => (full ? Promise.reject(new Error('ENOSPC')) : rows.put(...row)) },
  });
  const request = device.request('print("on", flush=True)\nwhile True: pass');
  await device.runs.submit(request);
  await firstEvent(device.runs, request.id, () => true);
  full = true;
  const cancelled = device.runs.cancel(request.id, soon());
  await firstEvent(device.runs, request.id, (event) => event.type === 'error');
  expect((await device.runs.get(request.id))?.state).toBe('running');
  full = false;
  expect(await cancelled).toMatchObject({ state: 'cancelled', error: { type: 'KeyboardInterrupt' } });
});

test('children that a cell forked and that a signal finds tear no event', async () => {
  await using device = await testDevice();
  const code = `import os, time
print("on", flush=True)
for _ in range(300):
    if os.fork() == 0:
        time.sleep(1000)
        os._exit(0)
while True:
    try: time.sleep(1)
    except KeyboardInterrupt: pass`;
  const request = device.request(code);
  await device.runs.submit(request);
  await firstEvent(device.runs, request.id, (event) => event.type === 'stdout');
  await device.runs.cancel(request.id, AbortSignal.timeout(20_000));
  const events = await eventsOf(device.runs, request.id);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index));
  expect(events.at(-1)?.type).toBe('error');
});
