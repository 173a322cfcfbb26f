/** What every runtime keeps to, whoever runs its code; each kind's test calls this with its own words for the same deeds. */
import { kill } from 'node:process';
import type { Language, RunEvent, SessionConfig } from '@markco/protocol';
import { expect, test, type TestContext } from 'vitest';
import {
  eventsOf,
  eventually,
  finished,
  firstEvent,
  testDevice,
  textOf,
  type TestDevice,
} from '../runs/runs.fixture.ts';
import { findProcess } from './process-table.ts';

/** Code that does what its name says. `null`: this kind has nothing of the sort. */
export type Words = {
  /** Prints `one` and `two` to stdout, then `three` to stderr, a line each. */
  readonly print: string;
  /** Sets `x` to 41. */
  readonly keep: string;
  /** Prints `x` plus one, as a line. */
  readonly kept: string;
  /** Fails by itself; with the type of its error. */
  readonly fail: readonly [code: string, type: string];
  /** No valid code. */
  readonly syntax: string;
  /** Prints `busy`, then never ends and never waits. */
  readonly loop: string;
  /** Prints `asleep`, then waits for minutes. */
  readonly sleep: string;
  /** Prints `first`, `second` after 500 ms, and `third` after 500 ms more, as lines. */
  readonly slow: string;
  /** Prints 200 000 lines of 50 characters, the number of each at its beginning, from 0. */
  readonly much: string;
  /** Asks for a line and prints it between `<` and `>`. */
  readonly ask: string | null;
  /** The same for a secret. */
  readonly askHidden: string | null;
  /** Prints `last words`, then is killed by SIGKILL. */
  readonly crash: string;
  /** Starts a program that runs for minutes and prints its process id. */
  readonly child: string;
  /** Writes the two bytes of `é` and a line end with a pause within the character. */
  readonly cutCharacter: string;
};

/** Where the contract runs. `reason`: why it cannot here. */
export type Kind = {
  readonly language: Language;
  readonly words: Words;
  /** What the project wishes of its session. */
  readonly config?: SessionConfig;
  reason?(): Promise<string | null>;
  /** What is special about a device of this kind. */
  device?(): Promise<Parameters<typeof testDevice>[0]>;
  /** The process that code of this kind names so. */
  findProcess?: typeof findProcess;
  /** Ends a worker from outside, by the process that the machine has of it. */
  killWorker?(pid: number): Promise<void>;
};

export function runtimeContract(name: string, kind: Kind): void {
  const { language, words, config, reason, device: special } = kind;
  const find = kind.findProcess ?? findProcess;
  const check = (
    what: string,
    work: (device: TestDevice, request: (code: string) => ReturnType<TestDevice['request']>) => Promise<void>,
    code: string | null = '',
  ) =>
    test(`${name}: ${what}`, async (context: TestContext) => {
      const why = code === null ? `${name} has nothing of the sort` : ((await reason?.()) ?? null);
      if (why !== null) context.skip(why);
      await using device = await testDevice(await special?.());
      await work(device, (text) => {
        const made = device.request(text);
        return { ...made, session: { ...made.session, language, ...(config && { config }) } as typeof made.session };
      });
    });

  check('output comes in order, each stream under its name, and then a result', async ({ runs }, request) => {
    const { events, run } = await finished(runs, request(words.print));
    expect(textOf(events.filter((event) => event.type === 'stdout'))).toBe('one\ntwo\n');
    expect(textOf(events.filter((event) => event.type === 'stderr'))).toBe('three\n');
    expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index));
    expect(events.at(-1)).toMatchObject({ type: 'result', payload: { executionCount: 1 } });
    expect(run.state).toBe('completed');
  });

  check('what a run leaves behind the next one finds, also after one that failed', async ({ runs }, request) => {
    const [first, second, third] = [request(words.keep), request(words.fail[0]), request(words.kept)];
    for (const one of [first, second, third]) await runs.submit(one);
    expect((await eventsOf(runs, first.id)).at(-1)?.type).toBe('result');
    expect((await eventsOf(runs, second.id)).at(-1)).toMatchObject({ payload: { type: words.fail[1] } });
    const events = await eventsOf(runs, third.id);
    expect(textOf(events)).toBe('42\n');
    expect(events.at(-1)).toMatchObject({ type: 'result', payload: { executionCount: 3 } });
  });

  check('code that is none ends with an error, no code at all with a result', async ({ runs }, request) => {
    expect((await finished(runs, request(words.syntax))).run.state).toBe('failed');
    const { run, text } = await finished(runs, request(''));
    expect([run.state, text]).toEqual(['completed', '']);
  });

  for (const [how, code, sign] of [
    ['an endless loop', words.loop, 'busy'],
    ['a wait', words.sleep, 'asleep'],
  ] as const) {
    check(`${how} is interrupted within 2 s, and the session keeps what it had`, async ({ runs }, request) => {
      await finished(runs, request(words.keep));
      const endless = request(code);
      await runs.submit(endless);
      await firstEvent(runs, endless.id, (event) => textOf([event]).includes(sign));
      const pid = runs.sessions.list()[0]?.hostRuntimeId;
      const asked = performance.now();
      await runs.cancel(endless.id, AbortSignal.timeout(20_000));
      const events = await eventsOf(runs, endless.id);
      expect(performance.now() - asked).toBeLessThan(2_000);
      expect(events.at(-1)?.type).toBe('error');
      expect((await runs.get(endless.id))?.state).toBe('cancelled');
      expect((await finished(runs, request(words.kept))).text).toBe('42\n');
      expect(runs.sessions.list()[0]?.hostRuntimeId).toBe(pid);
    });
  }

  check('a run that is cancelled at once ends, and the session goes on', async ({ runs }, request) => {
    await finished(runs, request(words.keep));
    for (let round = 0; round < 5; round += 1) {
      const endless = request(words.loop);
      await runs.submit(endless);
      await eventually(async () => (await runs.get(endless.id))?.state === 'running');
      await runs.cancel(endless.id, AbortSignal.timeout(20_000));
      expect((await eventsOf(runs, endless.id)).at(-1)?.type).toBe('error');
    }
    expect((await finished(runs, request(words.kept))).text).toBe('42\n');
  });

  check('a device that goes away and comes back in mid-run loses nothing', async ({ runs, host }, request) => {
    const slow = request(words.slow);
    await runs.submit(slow);
    await firstEvent(runs, slow.id, (event) => textOf([event]).includes('first'));
    await runs.close({ keepSessions: true });
    const next = await host();
    await next.recover();
    const events = await eventsOf(next, slow.id);
    expect(textOf(events)).toBe('first\nsecond\nthird\n');
    expect(events.at(-1)?.type).toBe('result');
    expect((await next.get(slow.id))?.state).toBe('completed');
  });

  check('10 MB come whole and in order', async ({ runs }, request) => {
    const { events } = await finished(runs, request(words.much));
    const lines = textOf(events).split('\n').slice(0, -1);
    expect(lines).toHaveLength(200_000);
    expect(lines.every((line, index) => Number.parseInt(line, 10) === index && line.length === 49)).toBe(true);
    expect(events.every((event, index) => event.seq === index)).toBe(true);
  });

  check(
    'a question is asked and answered',
    async ({ runs }, request) => {
      const asking = request(words.ask ?? '');
      await runs.submit(asking);
      const asked = await firstEvent(runs, asking.id, isQuestion);
      expect(asked.payload).toMatchObject({ password: false });
      await runs.input(asking.id, 'blå', AbortSignal.timeout(5_000));
      const events = await eventsOf(runs, asking.id);
      expect(textOf(events)).toContain('<blå>\n');
      expect(events.find((event) => event.type === 'stdin-response')?.payload).toEqual({ text: 'blå' });
    },
    words.ask,
  );

  check(
    'a secret is asked for as one and kept nowhere',
    async ({ runs }, request) => {
      const asking = request(words.askHidden ?? '');
      await runs.submit(asking);
      expect((await firstEvent(runs, asking.id, isQuestion)).payload).toMatchObject({ password: true });
      await runs.input(asking.id, 'xyzzy', AbortSignal.timeout(5_000));
      const events = await eventsOf(runs, asking.id);
      expect(textOf(events)).toContain('<xyzzy>\n');
      expect(events.find((event) => event.type === 'stdin-response')?.payload).toEqual({});
    },
    words.askHidden,
  );

  check(
    'an interpreter that crashes ends its run, its output kept; the next run has a new one',
    async (device, request) => {
      const { runs } = device;
      const { run, events, text } = await finished(runs, request(words.crash));
      expect(run.state).toBe('failed');
      expect(text).toContain('last words');
      expect(events.at(-1)).toMatchObject({ type: 'error', payload: { type: 'SessionEnded' } });
      expect((await finished(runs, request(words.print))).run).toMatchObject({ state: 'completed' });
    },
  );

  check('a worker that is killed ends its run, its output kept', async ({ runs }, request) => {
    const slow = request(words.sleep);
    await runs.submit(slow);
    await firstEvent(runs, slow.id, (event) => textOf([event]).includes('asleep'));
    const pid = Number(runs.sessions.list()[0]?.hostRuntimeId);
    await (kind.killWorker?.(pid) ?? kill(pid, 'SIGKILL'));
    const events = await eventsOf(runs, slow.id);
    expect(textOf(events)).toContain('asleep');
    expect(events.at(-1)).toMatchObject({ type: 'error', payload: { type: 'SessionEnded' } });
  });

  check('a session that is stopped takes everything with it that it started', async ({ runs }, request) => {
    const { text } = await finished(runs, request(words.child));
    const pid = Number.parseInt(text, 10);
    expect(await find(pid)).not.toBeNull();
    const [session] = runs.sessions.list();
    if (session === undefined) throw new Error('there is no session');
    await runs.sessions.remove(session.id);
    await eventually(async () => (await find(pid)) === null);
  });

  check('a character that comes in two pieces is one', async ({ runs }, request) => {
    expect((await finished(runs, request(words.cutCharacter))).text).toBe('é\n');
  });
}

const isQuestion = (event: RunEvent): event is Extract<RunEvent, { type: 'stdin-request' }> =>
  event.type === 'stdin-request';
