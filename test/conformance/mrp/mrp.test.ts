/**
 * The MRMD Runtime Protocol, table by table, against any server that speaks it: see README.md. What a server does not
 * declare is skipped with that reason; everything else it must do.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { following, textOf, type StreamEvent } from './server.ts';
import * as shapes from './shapes.ts';
import { misfits } from './shapes.ts';
import { needs, openTarget, program } from './target.ts';

const target = await openTarget();
const { server } = target;
afterAll(() => target.close());

type Result = { success: boolean; stdout: string; stderr: string; result: string | null } & Record<string, unknown>;
type Failed = { type: string; message: string; traceback: string[]; line: number | null; column: number | null };
/** What no table has: it must make no difference. */
const UNKNOWN = { unheardOf: { deep: [1, null] }, cellMeta: { any: 'thing' } };
const isOut = ({ event }: StreamEvent): boolean => event === 'stdout';

test('MRP-1 a server says what it is and what it can do', async () => {
  const { status, json } = await server.ask('/capabilities');
  expect([status, misfits(json, shapes.CAPABILITIES)]).toEqual([200, []]);
  expect((json as { languages: string[] }).languages.length).toBeGreaterThan(0);
});

test('MRP-2 all but the code has a default, and nobody has to make a session', async () => {
  const { status, json } = await server.ask('/execute', { code: '' });
  expect([status, misfits(json, shapes.RESULT)]).toEqual([200, []]);
  expect(json).toMatchObject({ success: true, stdout: '', result: null, error: null });
});

describe.each(target.languages)('%s', (language) => {
  let session = 'default';
  const execute = (code: string, more: object = {}): Promise<Result> =>
    server.get<Result>('/execute', { code, session, ...more });
  let leaving = new AbortController();
  const stream = (code: string, more: object = {}, query = '') =>
    following(server.stream(`/execute/stream${query}`, { code, session, ...more }, leaving.signal));

  beforeAll(async () => {
    const made = await server.ask('/sessions', { language, id: `mrp-check-${language}` });
    if (made.status === 200) session = (made.json as { id: string }).id;
  });

  // What a failed test left running would stand in the way of the next one.
  afterEach(async ({ task }) => {
    leaving.abort();
    leaving = new AbortController();
    if (task.result?.state === 'fail') await server.ask('/interrupt', { session }).catch(() => undefined);
  });

  test('MRP-2 an execution answers with every field, and what nobody knows makes no difference', async (context) => {
    const answer = await execute(program(context, language, 'print'), { ...UNKNOWN, execId: 'check-1' });
    expect(misfits(answer, shapes.RESULT)).toEqual([]);
    expect(answer).toMatchObject({ success: true, stdout: 'hi there\n', error: null });
  });

  test('MRP-2 the value of the last expression is the result, and text', async (context) => {
    const answer = await execute(program(context, language, 'value'));
    expect([answer.success, answer.result]).toEqual([true, expect.stringMatching(/(^|\s)42$/)]);
  });

  test('MRP-3 names stay from one execution to the next', async (context) => {
    await execute(program(context, language, 'assign'));
    const answer = await execute(program(context, language, 'read'));
    expect(answer.stdout.trim()).toBe('42');
  });

  test('MRP-3 the count of executions grows', async (context) => {
    const code = program(context, language, 'whole');
    const first = (await execute(code))['executionCount'] as number;
    expect((await execute(code))['executionCount']).toBeGreaterThan(first);
  });

  test('MRP-4 code that fails is answered with its error, and the session goes on', async (context) => {
    const answer = await execute(program(context, language, 'fails'));
    expect(misfits(answer, shapes.RESULT)).toEqual([]);
    expect([answer.success, answer['error']]).toEqual([false, expect.any(Object)]);
    expect((await execute(program(context, language, 'print'))).success).toBe(true);
  });

  test('MRP-4 an error says the line it was raised in', async (context) => {
    const answer = await execute(program(context, language, 'failsInLine3'));
    expect((answer['error'] as Failed).line).toBe(3);
  });

  test('MRP-5 output comes as it was printed, each stream apart', async (context) => {
    expect((await execute(program(context, language, 'escapes'))).stdout).toBe('a\rb\x1b[31mc\x1b[0m\n');
    const answer = await execute(program(context, language, 'printError'));
    expect([answer.stdout, answer.stderr]).toEqual(['', expect.stringContaining('to stderr\n')]);
  });

  test('MRP-6 a stream starts with start, ends with done, and has its result before that', async (context) => {
    const events = await stream(program(context, language, 'print'), { execId: 'check-6', ...UNKNOWN }).all;
    for (const { event, data } of events) expect(misfits(data, shapes.EVENTS[event] ?? {}, event)).toEqual([]);
    const names = events.map(({ event }) => event);
    expect([names[0], ...names.slice(-2)]).toEqual(['start', 'result', 'done']);
    expect(events[0]?.data['execId']).toBe('check-6');
    expect(textOf(events, 'stdout')).toBe('hi there\n');
    expect(events.at(-2)?.data).toMatchObject({ success: true, stdout: 'hi there\n', error: null });
  });

  test('MRP-6 a stream of code that fails has an error in the place of the result', async (context) => {
    const events = await stream(program(context, language, 'fails')).all;
    expect(events.slice(-2).map(({ event }) => event)).toEqual(['error', 'done']);
    expect(misfits(events.at(-2)?.data, shapes.ERROR)).toEqual([]);
    expect(events.filter(({ event }) => event === 'result')).toEqual([]);
  });

  test('MRP-7 output streams while it is printed, in pieces, and together once it is asked for', async (context) => {
    const code = program(context, language, 'slow');
    const live = stream(code);
    await live.until(isOut);
    expect(live.seen.map(({ event }) => event)).not.toContain('result');
    expect(textOf(await live.all, 'stdout')).toBe('one\ntwo\n');
    const events = (await stream(code, {}, '?accumulated=1').all).filter(isOut);
    expect(events.at(-1)?.data['accumulated']).toBe('one\ntwo\n');
  });

  test('MRP-8 code asks, and goes on with what it is answered', async (context) => {
    const live = stream(program(context, language, 'asks'), { execId: 'check-8' });
    const asked = await live.until(({ event }) => event === 'stdin_request');
    expect(misfits(asked.data, shapes.EVENTS['stdin_request'] ?? {})).toEqual([]);
    expect(asked.data).toMatchObject({ password: false, exec_id: 'check-8' });
    const answer = await server.get('/input', { session, exec_id: 'check-8', text: 'Ada\n', ...UNKNOWN });
    expect(answer).toEqual({ accepted: true });
    const events = await live.all;
    expect([textOf(events, 'stdout'), events.at(-2)?.event]).toEqual([
      expect.stringContaining('hello Ada\n'),
      'result',
    ]);
  });

  test('MRP-8 an answer that nobody waits for is not accepted', async () => {
    const answer = await server.get('/input', { session, exec_id: 'never-was', text: 'x\n' });
    expect(misfits(answer, shapes.INPUT)).toEqual([]);
    expect(answer).toMatchObject({ accepted: false, error: expect.stringMatching(/./) });
  });

  test('MRP-9 code is interrupted, and the session keeps its names', async (context) => {
    needs(context, target, language, 'interrupt');
    await execute(program(context, language, 'assign'));
    const live = stream(program(context, language, 'waits'));
    await live.until(isOut);
    expect(await server.get('/interrupt', { session })).toMatchObject({ interrupted: true });
    const events = await live.all;
    expect(events.slice(-2).map(({ event }) => event)).toEqual(['error', 'done']);
    expect((await execute(program(context, language, 'read'))).stdout.trim()).toBe('42');
  });

  test('MRP-9 interrupting a session that does nothing changes nothing', async (context) => {
    needs(context, target, language, 'interrupt');
    const answer = await server.get('/interrupt', { session, ...UNKNOWN });
    expect([answer, misfits(answer, shapes.INTERRUPTED)]).toEqual([{ interrupted: false }, []]);
  });

  test('MRP-10 a session is made, listed, told, and gone once it is deleted', async () => {
    const made = await server.ask('/sessions', { language, id: `mrp-made-${language}`, ...UNKNOWN });
    expect([made.status, misfits(made.json, shapes.SESSION_MADE)]).toEqual([200, []]);
    const { id } = made.json as { id: string };
    const own = `/sessions/${encodeURIComponent(id)}`;
    const { sessions } = await server.get<{ sessions: { id: string }[] }>('/sessions');
    expect(misfits({ sessions }, shapes.SESSIONS)).toEqual([]);
    expect(sessions.map((one) => one.id)).toContain(id);
    expect(misfits(await server.get(own), shapes.SESSION)).toEqual([]);
    expect((await server.ask(own, undefined, 'DELETE')).status).toBe(200);
    expect((await server.ask(own)).status).toBe(404);
    expect((await server.ask(own, undefined, 'DELETE')).status).toBe(404);
    expect((await server.get<{ sessions: { id: string }[] }>('/sessions')).sessions.map((one) => one.id)).not.toContain(
      id,
    );
  });

  test('MRP-10 two sessions share no names', async (context) => {
    const made = await server.ask('/sessions', { language, id: `mrp-other-${language}` });
    if (made.status !== 200) context.skip(`the server makes no sessions: ${made.status}`);
    const { id } = made.json as { id: string };
    await execute(program(context, language, 'assign'));
    const other = await server.get<Result>('/execute', { code: program(context, language, 'read'), session: id });
    expect(other.stdout.trim()).not.toBe('42');
    await server.ask(`/sessions/${encodeURIComponent(id)}`, undefined, 'DELETE');
  });

  test('MRP-11 a reset clears the names and keeps the session', async (context) => {
    needs(context, target, language, 'reset');
    await execute(program(context, language, 'assign'));
    const answer = await server.ask(`/sessions/${encodeURIComponent(session)}/reset`, undefined, 'POST');
    expect([answer.status, misfits(answer.json, shapes.SESSION)]).toEqual([200, []]);
    expect((answer.json as { id: string }).id).toBe(session);
    expect((await execute(program(context, language, 'read'))).stdout.trim()).not.toBe('42');
  });

  test('MRP-12 the end of a name is completed', async (context) => {
    needs(context, target, language, 'complete');
    await execute(program(context, language, 'assign'));
    const code = language === 'bash' ? 'echo $answer_to_' : 'answer_to_';
    const answer = await server.get<{ matches: { label: string }[]; cursorStart: number; cursorEnd: number }>(
      '/complete',
      { code, cursor: code.length, session, triggerKind: 'invoked', ...UNKNOWN },
    );
    expect(misfits(answer, shapes.COMPLETIONS)).toEqual([]);
    expect(answer.matches.map(({ label }) => label.replace(/^\$/, ''))).toContain('answer_to_all');
    expect(answer.cursorEnd).toBe(code.length);
    expect(code.slice(answer.cursorStart).replace(/^\$/, '')).toBe('answer_to_');
  });

  test('MRP-13 a name is looked into, and one that is not there is not found', async (context) => {
    needs(context, target, language, 'inspect');
    const { setup, code } = program(context, language, 'documented');
    await execute(setup);
    for (const detail of [0, 1, 2]) {
      const answer = await server.get<{ docstring?: string; sourceCode?: string }>('/inspect', {
        code,
        cursor: code.length,
        session,
        detail,
      });
      expect(misfits(answer, shapes.INSPECTION)).toEqual([]);
      expect(answer).toMatchObject({ found: true, name: code });
      if (detail >= 1) expect(String(answer.docstring)).toContain('What it does.');
      if (detail === 2) expect(String(answer.sourceCode)).toContain('return a');
    }
    const missing = await server.get('/inspect', { code: 'nothing_of_that_name', cursor: 5, session });
    expect([missing, misfits(missing, shapes.INSPECTION)]).toMatchObject([{ found: false }, []]);
  });

  test('MRP-13 hovering tells the type and the value', async (context) => {
    needs(context, target, language, 'hover');
    await execute(program(context, language, 'assign'));
    const answer = await server.get<{ value?: string }>('/hover', { code: 'answer_to_all', cursor: 4, session });
    expect(misfits(answer, shapes.HOVER)).toEqual([]);
    expect(answer).toMatchObject({ found: true, name: 'answer_to_all' });
    expect(String(answer.value)).toContain('42');
  });

  test('MRP-14 the variables are told, and one of them in detail', async (context) => {
    needs(context, target, language, 'variables');
    await execute(program(context, language, 'assign'));
    const answer = await server.get<{ variables: { name: string; value: string }[]; count: number }>('/variables', {
      session,
      ...UNKNOWN,
    });
    expect(misfits(answer, shapes.VARIABLES)).toEqual([]);
    expect(answer.variables.find(({ name }) => name === 'answer_to_all')?.value).toContain('42');
    expect(answer.count).toBeGreaterThanOrEqual(answer.variables.length);
  });

  test('MRP-14 variables are filtered by name', async (context) => {
    needs(context, target, language, 'variables');
    await execute(program(context, language, 'assign'));
    const { variables } = await server.get<{ variables: { name: string }[] }>('/variables', {
      session,
      filter: { namePattern: 'nothing_of_that_name' },
    });
    expect(variables).toEqual([]);
  });

  test('MRP-14 one variable is told in detail', async (context) => {
    needs(context, target, language, 'variableExpand');
    await execute(program(context, language, 'assign'));
    const answer = await server.get<{ fullValue: string }>('/variables/answer_to_all', { session });
    expect(misfits(answer, shapes.VARIABLE_DETAIL)).toEqual([]);
    expect(answer).toMatchObject({ name: 'answer_to_all', fullValue: expect.stringContaining('42') });
  });

  test('MRP-15 code is complete, or has only begun', async (context) => {
    needs(context, target, language, 'isComplete');
    const whole = await server.get('/is_complete', { code: program(context, language, 'whole'), session });
    expect([whole, misfits(whole, shapes.IS_COMPLETE)]).toMatchObject([{ status: 'complete' }, []]);
    const begun = await server.get('/is_complete', { code: program(context, language, 'begun'), session });
    expect([begun, misfits(begun, shapes.IS_COMPLETE)]).toMatchObject([{ status: 'incomplete' }, []]);
  });

  test('MRP-16 code is formatted, or the answer says what is missing for that', async (context) => {
    needs(context, target, language, 'format');
    const { status, json, text } = await server.ask('/format', { code: program(context, language, 'whole'), session });
    if (status !== 200) {
      expect([status, text]).toEqual([424, expect.stringMatching(/install|needs/)]);
      context.skip(`no formatter is there: ${text}`);
    }
    expect(misfits(json, shapes.FORMATTED)).toEqual([]);
  });

  test('MRP-17 questions are answered within a second while code runs', async (context) => {
    const tells = program(context, language, 'tellsWhileBusy');
    for (const feature of ['variables', 'complete', 'isComplete', 'interrupt'] as const)
      needs(context, target, language, feature);
    await execute(program(context, language, 'assign'));
    const live = stream(program(context, language, 'waits'));
    await live.until(isOut);
    for (const [path, body] of [
      ['/variables', {}],
      ['/complete', { code: 'answer_to_', cursor: 10 }],
      ['/is_complete', { code: program(context, language, 'whole') }],
    ] as const) {
      const began = performance.now();
      const { status } = await server.ask(path, { ...body, session });
      // Where an interpreter does one thing at a time, it says so at once.
      const isFine = status === 200 || (!tells && path === '/variables' && status === 503);
      expect([path, status, isFine]).toEqual([path, status, true]);
      expect([path, performance.now() - began < 1_000]).toEqual([path, true]);
    }
    await server.get('/interrupt', { session });
    expect((await live.all).at(-1)?.event).toBe('done');
  });

  test('MRP-18 what a session ran is its history', async (context) => {
    needs(context, target, language, 'history');
    const code = program(context, language, 'print');
    await execute(code);
    const answer = await server.get<{ entries: { index: number; code: string }[] }>('/history', { session, n: 2 });
    expect(misfits(answer, shapes.HISTORY)).toEqual([]);
    expect(answer.entries.at(-1)?.code).toBe(code);
    expect(answer.entries.length).toBeLessThanOrEqual(2);
  });

  test('MRP-18 what is not to be remembered is not in the history', async (context) => {
    needs(context, target, language, 'history');
    await execute(program(context, language, 'print'));
    await execute(program(context, language, 'whole'), { storeHistory: false });
    const { entries } = await server.get<{ entries: { code: string }[] }>('/history', { session, n: 1 });
    expect(entries.map(({ code }) => code)).toEqual([program(context, language, 'print')]);
  });
});

test('MRP-19 what is not understood is refused, and the server goes on', async () => {
  for (const body of [{}, { code: 5 }]) {
    const { status } = await server.ask('/execute', body);
    expect([body, status >= 400 && status < 500]).toEqual([body, true]);
  }
  expect((await server.ask('/assets/no-such-asset.png')).status).toBe(404);
  expect((await server.ask('/execute', { code: '' })).status).toBe(200);
});
