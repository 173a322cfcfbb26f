/** T15: what another device may do to runs here by its stream; reading is for all of the user's, acting for those that may submit. */
import { Failure, newId, type Run, type RunId, type SessionId } from '@markco/protocol';
import { expect, test } from 'vitest';
import type { Connection } from '@markco/replica/listen/connection';
import type { StreamParts } from '@markco/replica/listen/stream';
import { ids } from '../runs/runs.fixture.ts';
import type { Runs } from '../runs/runs.ts';
import { servedToDevices } from './served-to-devices.ts';

const id = newId<RunId>(ids);
const session = newId<SessionId>(ids);
const ACTS = [
  { op: 'input', runId: id, text: 'yes' },
  { op: 'cancel', runId: id },
  { op: 'interrupt', sessionId: session },
];

function setUp(mayAct: boolean) {
  const done: string[] = [];
  const note = (what: string) => async (): Promise<Run> => {
    done.push(what);
    return { id } as Run;
  };
  const runs = {
    get: note('get'),
    input: note('input'),
    cancel: note('cancel'),
    sessions: { interrupt: note('interrupt') },
    follow: async function* () {},
  } as unknown as Runs;
  const nothing = () => expect.unreachable('no document is touched');
  const none = { get: () => null, list: async () => [], storedCount: async () => 0, cancel: async () => null };
  const { serve } = servedToDevices({
    ...{ runs, submitted: { ...none, follow: runs.follow } },
    ...{ arrived: async () => undefined, assetsOf: async () => [], watch: () => () => undefined },
    documents: { inspect: nothing, reached: nothing },
    streamParts: (of) => of as StreamParts,
  });
  const answers: { readonly ref: number; readonly error?: { readonly code: string } }[] = [];
  let say: (text: string) => void = () => undefined;
  const ignore = (): void => undefined;
  const connection = {
    ...{ onText: (listener: typeof say) => void (say = listener), text: (json: never) => void answers.push(json) },
    ...{ onBytes: ignore, onDrain: ignore, onClose: ignore, ready: async () => undefined },
  } as unknown as Connection;
  serve(
    connection,
    () => Promise.reject(new Error('not in this test')),
    () => {
      if (!mayAct) throw new Failure('forbidden', 'It may not.');
    },
  );
  async function ask(request: object) {
    const ref = answers.length;
    say(JSON.stringify({ ref, ...request }));
    await expect.poll(() => answers.length).toBeGreaterThan(ref);
    return answers[ref]?.error?.code ?? 'done';
  }
  return { ask, done };
}

test('one that may submit answers, cancels and interrupts', async () => {
  const { ask, done } = setUp(true);
  for (const act of ACTS) expect([act.op, await ask(act)]).toEqual([act.op, 'done']);
  expect(done).toEqual(['input', 'cancel', 'interrupt']);
});

test('one that may not is refused, nothing is done, and it reads runs all the same', async () => {
  const { ask, done } = setUp(false);
  for (const act of ACTS) expect([act.op, await ask(act)]).toEqual([act.op, 'forbidden']);
  expect(done).toEqual([]);
  expect(await ask({ op: 'follow', runId: id })).toBe('done');
  expect(done).toContain('get');
});
