/** Questions between processes, on a way that loses, repeats and makes up messages. */
import { Failure, newId } from '@markco/protocol';
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createAsking, type Asking, type Sealed } from './asking.ts';

const ids = { now: () => 1_000, randomBytes: (count: number) => new Uint8Array(randomBytes(count)) };

type Process = { readonly id: string; readonly asking: Asking; readonly asked: unknown[] };

/** Some processes, and all that was said between them. */
function startProcesses(count: number, secretOf = (_at: number): string => 'secret') {
  const said: { readonly from: string; readonly message: Sealed }[] = [];
  const way = { isUp: true };
  const processes: Process[] = [];
  for (let at = 0; at < count; at++) {
    const id = newId(ids);
    const asked: unknown[] = [];
    const asking = createAsking({
      ...{ secret: secretOf(at), process: id, randomBytes: ids.randomBytes },
      async tell(message) {
        if (!way.isUp) return false;
        said.push({ from: id, message });
        for (const other of processes) if (other.id !== id) hear(other, id, message);
        return true;
      },
      async onAsk(question) {
        asked.push(question);
        if (question === 'refuse') throw new Failure('conflict', 'It does not wait for anything.');
        return { echo: question };
      },
    });
    processes.push({ id, asking, asked });
  }
  /** What it throws its caller logs. */
  function hear({ asking }: Process, from: string, message: Sealed): void {
    try {
      asking.hear(from, message);
    } catch {
      // Nobody said it.
    }
  }
  const [one, two, three] = processes;
  if (one === undefined || two === undefined || three === undefined) throw new Error('three processes at least');
  return { one, two, three, said, way, hear };
}

test('a question goes to one process and its answer to who asked, a refusal too', async () => {
  const { one, two, three } = startProcesses(3);
  expect(await one.asking.ask(two.id, 'hello')).toEqual({ echo: 'hello' });
  await expect(one.asking.ask(two.id, 'refuse')).rejects.toMatchObject({ code: 'conflict', message: /does not wait/ });
  expect([two.asked, three.asked, one.asked]).toEqual([['hello', 'refuse'], [], []]);
});

test('what comes twice is done once, and what nobody of the cloud has said is not done', async () => {
  const { one, two, three, said, hear } = startProcesses(3);
  await one.asking.ask(two.id, 'a password');
  const [first] = said;
  if (first === undefined) return expect.unreachable();
  expect(Buffer.from(first.message.sealed).toString('latin1')).not.toContain('password');
  hear(two, one.id, first.message);
  // As if another one had said it, or to another one, or something else.
  hear(two, three.id, first.message);
  hear(three, one.id, { ...first.message, to: three.id });
  hear(two, one.id, { ...first.message, seq: first.message.seq + 1 });
  const changed = first.message.sealed.map((byte, at) => (at === 30 ? byte ^ 1 : byte));
  hear(two, one.id, { ...first.message, sealed: changed });
  hear(two, one.id, { ...first.message, sealed: new Uint8Array(3) });
  await new Promise((resolve) => setImmediate(resolve));
  expect([two.asked, three.asked]).toEqual([['a password'], []]);
});

test('who has another secret is not heard, and who cannot be told is said to be away', async () => {
  const { one, two, three, way } = startProcesses(3, (at) => (at === 2 ? 'of another cloud' : 'secret'));
  void three.asking.ask(two.id, 'let me in').catch(() => undefined);
  await new Promise((resolve) => setImmediate(resolve));
  expect(two.asked).toEqual([]);
  way.isUp = false;
  await expect(one.asking.ask(two.id, 'hello')).rejects.toMatchObject({ code: 'not_ready', retryable: true });
});
