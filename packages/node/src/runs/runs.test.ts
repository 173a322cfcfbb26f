import { setTimeout as delay } from 'node:timers/promises';
import { newId, type RunEvent, type RunId } from '@markco/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventsOf, eventually, finished, firstEvent, ids, testDevice, textOf } from './runs.fixture.ts';

const soon = (): AbortSignal => AbortSignal.timeout(20_000);

test('a run prints, shows its last value and completes, with gapless events', async () => {
  await using device = await testDevice();
  const { run, events } = await finished(device.runs, device.request('print("héllo")\n6 * 7'));
  expect(run).toMatchObject({ state: 'completed', ranOn: 'laptop' });
  expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index));
  expect(textOf(events)).toBe('héllo\n');
  expect(events.at(-1)).toMatchObject({
    type: 'result',
    runId: run.id,
    payload: { data: { 'text/plain': '42' }, executionCount: 1 },
  });
});

test('a session keeps its variables, and two documents of a project share it', async () => {
  await using device = await testDevice();
  await finished(device.runs, device.inDocument('x = 41'));
  const { events } = await finished(device.runs, device.inDocument('x + 1'));
  expect(events.at(-1)).toMatchObject({ payload: { data: { 'text/plain': '42' } } });
});

test('an error ends the run as failed with the frames of the cell alone', async () => {
  await using device = await testDevice();
  const { run, events } = await finished(device.runs, device.request('def f():\n    return 1 / 0\nf()'));
  expect(run).toMatchObject({ state: 'failed', error: { type: 'ZeroDivisionError' } });
  const last = events.at(-1);
  expect(last?.type === 'error' && last.payload.traceback.join('\n')).toMatch(
    /<cell 1>", line 3[\s\S]*line 2, in f\n {4}return 1 \/ 0/,
  );
  expect(JSON.stringify(last)).not.toContain('markco_worker');
});

test('a cell runs in the folder of its project, and sees none of the settings of MarkCo', async () => {
  await using device = await testDevice();
  const { text } = await finished(
    device.runs,
    device.request('import os; print(os.getcwd(), os.environ.get("MARKCO_SECRET"))'),
  );
  expect(text).toBe(`${device.project} None\n`);
});

test('what subprocesses print comes in its place between what Python prints', async () => {
  await using device = await testDevice();
  const code =
    'import os, subprocess\nprint("a")\nos.system("echo b")\nprint("c")\nsubprocess.run(["sh", "-c", "echo d >&2"])\nprint("e")';
  const { events, text } = await finished(device.runs, device.request(code));
  expect(text).toBe('a\nb\nc\nd\ne\n');
  expect(events.filter((event) => event.type === 'stderr').map((event) => event.payload)).toEqual([{ text: 'd\n' }]);
});

test('closing file descriptor 1 breaks neither this run nor the next', async () => {
  await using device = await testDevice();
  const { run, text } = await finished(
    device.runs,
    device.request('import os\nos.close(1)\nos.close(2)\nprint("still here")'),
  );
  expect([run.state, text]).toEqual(['completed', 'still here\n']);
  expect((await finished(device.runs, device.request('import os; os.system("echo and here")'))).text).toBe(
    'and here\n',
  );
});

test('what the session itself opens never takes the place of a closed file descriptor 1', async () => {
  await using device = await testDevice();
  // A signal makes each waiting thread ask the system anew, which gives the lowest free number.
  const code = [
    'import os, signal, threading, time',
    'signal.signal(signal.SIGUSR2, lambda *_: None)',
    'os.close(1)',
    'for thread in threading.enumerate():',
    '    if thread is not threading.main_thread(): signal.pthread_kill(thread.ident, signal.SIGUSR2)',
    'time.sleep(0.2)',
  ].join('\n');
  expect((await finished(device.runs, device.request(code))).run.state).toBe('completed');
  const next = await finished(device.runs, device.request('import os; os.system("echo and here")'));
  expect([next.run.state, next.text]).toEqual(['completed', 'and here\n']);
});

test('characters of several bytes are never cut, however they are written', async () => {
  await using device = await testDevice();
  const code = [
    'import os, sys',
    's = "é✓😀" * 40000',
    'sys.stdout.write(s)',
    'data = ("😀" * 20000).encode()',
    'for i in range(0, len(data), 4097): os.write(1, data[i:i+4097])',
    'for b in "√\\n".encode(): sys.stdout.buffer.write(bytes([b]))',
  ].join('\n');
  const { events, text } = await finished(device.runs, device.request(code));
  expect(text).toContain('é✓😀'.repeat(40_000));
  expect(text).toContain('√\n');
  expect(text.match(/😀/gu)?.length).toBe(60_000);
  expect(text).not.toContain('\ufffd');
  for (const event of events) {
    if (event.type === 'stdout') expect(Buffer.byteLength(event.payload.text)).toBeLessThanOrEqual(256 * 1024);
  }
});

test('ten thousand flushed prints take well under a second', async () => {
  await using device = await testDevice();
  await finished(device.runs, device.request('1'));
  const { events, text } = await finished(device.runs, device.request('for i in range(10000): print(i, flush=True)'));
  expect(text).toBe(Array.from({ length: 10_000 }, (_, index) => `${index}\n`).join(''));
  const last = events.at(-1);
  expect(last?.type === 'result' && last.payload.durationMs).toBeLessThan(1_000);
});

test('the first line of a cell that goes on is there before the cell ends', async () => {
  await using device = await testDevice();
  const request = device.request('print("first")\nimport time\ntime.sleep(60)');
  await device.runs.submit(request);
  expect(await firstEvent(device.runs, request.id, () => true)).toMatchObject({
    type: 'stdout',
    payload: { text: 'first\n' },
  });
  expect((await device.runs.cancel(request.id, soon())).state).toBe('cancelled');
});

test('a question is answered by whoever watches; a password is kept nowhere', async () => {
  await using device = await testDevice();
  const code = 'import getpass\nname = input("Name? ")\nsecret = getpass.getpass()\nprint(name, len(secret))';
  const request = device.request(code);
  await device.runs.submit(request);
  await expect(
    device.runs.input(request.id, 'early', soon()).then(
      () => 'taken',
      () => 'refused',
    ),
  ).resolves.toBeTypeOf('string');
  await firstEvent(device.runs, request.id, (event) => event.type === 'stdin-request');
  await eventually(() =>
    device.runs.input(request.id, 'Ada', soon()).then(
      () => true,
      () => false,
    ),
  );
  await firstEvent(device.runs, request.id, (event) => event.type === 'stdin-request' && event.payload.password);
  await eventually(() =>
    device.runs.input(request.id, 'hunter2', soon()).then(
      () => true,
      () => false,
    ),
  );
  const events = await eventsOf(device.runs, request.id);
  expect(events.map((event) => event.type)).toEqual([
    'stdin-request',
    'stdin-response',
    'stdin-request',
    'stdin-response',
    'stdout',
    'result',
  ]);
  expect(textOf(events)).toMatch(/^Ada 7\n$/);
  expect(JSON.stringify(events)).not.toContain('hunter2');
});

test('two watchers from different places see the same events, live and afterwards', async () => {
  await using device = await testDevice();
  const request = device.request('import time\nfor i in range(40):\n    print(i, flush=True)\n    time.sleep(0.025)');
  await device.runs.submit(request);
  const early = eventsOf(device.runs, request.id);
  await firstEvent(device.runs, request.id, (event) => event.seq === 5);
  const late = eventsOf(device.runs, request.id, 3);
  const slow: RunEvent[] = [];
  for await (const event of device.runs.follow(request.id, 0, soon())) {
    slow.push(event);
    await delay(5);
  }
  const all = await early;
  expect(all.length).toBeGreaterThan(10);
  expect(await late).toEqual(all.slice(3));
  expect(slow).toEqual(all);
  expect(await eventsOf(device.runs, request.id, all.length - 1)).toEqual(all.slice(-1));
});

test('a watcher that leaves ends quietly, a run that does not exist is not found', async () => {
  await using device = await testDevice();
  const request = device.request('import time\nprint(1)\ntime.sleep(30)');
  await device.runs.submit(request);
  const leave = new AbortController();
  const seen: RunEvent[] = [];
  for await (const event of device.runs.follow(request.id, 0, leave.signal)) {
    seen.push(event);
    leave.abort();
  }
  expect(seen).toHaveLength(1);
  await expect(eventsOf(device.runs, newId<RunId>(ids))).rejects.toMatchObject({ code: 'not_found' });
  await device.runs.cancel(request.id, soon());
});

test('the same id is one run however often it is delivered (R11)', { timeout: 120_000 }, async () => {
  await using device = await testDevice();
  await finished(device.runs, device.request('started = []'));
  const trials = Number(process.env['MARKCO_TRIALS'] ?? 1) * 200;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }), async (waits) => {
      const id = newId<RunId>(ids);
      const request = device.request(`started.append("${id}")`, { id });
      const answers: Promise<{ id: RunId }>[] = [];
      for (const wait of waits) {
        const mine = device.runs.submit(request);
        answers.push(mine);
        if (wait) await mine;
      }
      for (const answer of await Promise.all(answers)) expect(answer.id).toBe(id);
      await eventsOf(device.runs, id);
      await device.runs.submit(request);
    }),
    { numRuns: trials },
  );
  const { events } = await finished(device.runs, device.request('(len(started), len(set(started)))'));
  expect(events.at(-1)).toMatchObject({ payload: { data: { 'text/plain': `(${trials}, ${trials})` } } });
});

test('another code under the same id is refused and changes nothing', async () => {
  await using device = await testDevice();
  const request = device.request('1');
  const { run } = await finished(device.runs, request);
  await expect(device.runs.submit({ ...request, code: '2' })).rejects.toMatchObject({ code: 'conflict' });
  expect(await device.runs.get(request.id)).toEqual(run);
});

test('the queue is bounded, says its positions, and a waiting run is cancelled at once', async () => {
  await using device = await testDevice();
  const busy = device.request('import time\ntime.sleep(60)');
  await device.runs.submit(busy);
  await eventually(async () => (await device.runs.get(busy.id))?.state === 'running');
  const waiting = Array.from({ length: 100 }, () => device.request('1'));
  for (const request of waiting) await device.runs.submit(request);
  await expect(device.runs.submit(device.request('1'))).rejects.toMatchObject({ code: 'too_many' });
  const third = waiting[2];
  if (third === undefined) throw new Error('no third run');
  expect((await device.runs.get(third.id))?.queuePosition).toBe(3);
  expect(await device.runs.cancel(waiting[0]?.id ?? third.id, soon())).toMatchObject({
    state: 'cancelled',
    error: { type: 'Cancelled' },
  });
  expect((await device.runs.get(third.id))?.queuePosition).toBe(2);
  expect((await device.runs.list({ projectId: null, state: 'queued', limit: 5, before: null })).length).toBe(5);
  await device.runs.cancel(busy.id, soon());
  const last = waiting.at(-1);
  expect(last && (await eventsOf(device.runs, last.id)).at(-1)?.type).toBe('result');
});

test('a barrier that fails ends the run as failed, with an event, and nothing is started', async () => {
  await using device = await testDevice({
    barrier: () => Promise.reject(new Error('planted')),
  });
  const { run, events } = await finished(device.runs, device.request('1'));
  expect(run).toMatchObject({ state: 'failed', error: { type: 'internal' } });
  expect(events).toMatchObject([{ seq: 0, type: 'error' }]);
  expect(device.runs.sessions.list()).toMatchObject([{ state: 'cold' }]);
});

test('a machine without Python says how to get it', async () => {
  await using device = await testDevice({ env: { PATH: '/nonexistent' } });
  const { run } = await finished(device.runs, device.request('1'));
  expect(run).toMatchObject({
    state: 'failed',
    error: { type: 'runtime_missing', message: expect.stringContaining('apt install python3') },
  });
});

test('output over the limit is cut with a word about it, and the program goes on', { timeout: 120_000 }, async () => {
  await using device = await testDevice();
  const { run, text, events } = await finished(
    device.runs,
    device.request('for i in range(1100): print("x" * 65535)\n"done"'),
  );
  expect(run.state).toBe('completed');
  expect(text.length).toBeLessThanOrEqual(64 * 1024 * 1024 + 200);
  expect(text.slice(-200)).toContain('the most that is kept');
  expect(events.at(-1)).toMatchObject({ payload: { data: { 'text/plain': "'done'" } } });
});

test('the folded output goes to the document once, and its failure changes nothing', async () => {
  let fail = true;
  let failures = 0;
  await using device = await testDevice({
    writeOutput: async (run, text) => {
      if (fail) failures++;
      if (fail) throw new Error('planted');
      device.written.set(run.id, text);
    },
  });
  const first = device.inDocument('print("one")');
  expect((await finished(device.runs, first)).run.state).toBe('completed');
  await eventually(() => failures > 0);
  fail = false;
  const second = device.inDocument('print("two\\x1b[31m red\\x1b[0m")\n3');
  await finished(device.runs, second);
  await eventually(() => device.written.has(second.id));
  expect(device.written.get(second.id)).toBe('two red\n3');
  expect(device.written.has(first.id)).toBe(false);
});

test('displays, rich results, top-level await and threads that print late', async () => {
  await using device = await testDevice();
  const code = [
    'import asyncio, threading, time',
    'class Rich:\n    def _repr_html_(self): return "<b>x</b>"\n    def __repr__(self): return "x"',
    'display(Rich())',
    'await asyncio.sleep(0.01)',
    'threading.Timer(0.05, lambda: print("late")).start()',
    'Rich()',
  ].join('\n');
  const { events } = await finished(device.runs, device.request(code));
  expect(events[0]).toMatchObject({
    type: 'display',
    payload: { data: { 'text/html': '<b>x</b>', 'text/plain': 'x' } },
  });
  expect(events.at(-1)).toMatchObject({ type: 'result', payload: { data: { 'text/html': '<b>x</b>' } } });
  const next = await finished(device.runs, device.request('time.sleep(0.2)'));
  expect(next.text).toBe('late\n');
});

test('children that fork print, and do not come back as a second interpreter', async () => {
  await using device = await testDevice();
  const { text, run } = await finished(
    device.runs,
    device.request('import os\nif os.fork() == 0: print("child")\nelse: os.wait()\nprint("end")'),
  );
  expect(run.state).toBe('completed');
  expect(text.match(/end/g)).toHaveLength(2);
  expect((await finished(device.runs, device.request('2'))).events).toHaveLength(1);
});
