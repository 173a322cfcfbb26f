/** Who is taken for gone: turns are counted, not time, so each test is a number of turns. */
import { expect, test } from 'vitest';
import { createLiveness, type Watched } from './liveness.ts';

/** Answers at once while `isThere`; `pass` lets turns pass and answers whom it gave up meanwhile. */
function watching() {
  const open = new Map<string, Watched>();
  const ended: string[] = [];
  const asked: string[] = [];
  const looked: string[] = [];
  const facts = { isThere: true, asked, looked };
  const liveness = createLiveness<Watched>({
    connections: () => [...open.values()],
    ask({ id }) {
      asked.push(id);
      return facts.isThere ? Promise.resolve() : new Promise(() => undefined);
    },
    end({ id }) {
      ended.push(id);
      open.delete(id);
    },
    look: (peer) => void looked.push(peer),
  });
  return {
    facts,
    liveness,
    connect: (id: string, peer = 'box') => void open.set(id, { id, peer }),
    async pass(turns: number): Promise<readonly string[]> {
      for (let turn = 0; turn < turns; turn++) {
        liveness.turn();
        // What answered in this turn is heard before the next one.
        await Promise.resolve();
      }
      return ended.splice(0);
    },
  };
}

test('who answers is asked from time to time and stays; who is silent after that is given up within fourteen turns', async () => {
  const { facts, connect, pass } = watching();
  connect('1');
  expect(await pass(100)).toEqual([]);
  expect(facts.asked.length).toBeGreaterThan(5);
  expect(facts.asked.length).toBeLessThan(20);
  facts.isThere = false;
  expect(await pass(5)).toEqual([]);
  expect(await pass(10)).toEqual(['1']);
});

test('who does not get to answer but is heard stays', async () => {
  const { facts, liveness, connect, pass } = watching();
  connect('1');
  facts.isThere = false;
  for (let round = 0; round < 20; round++) {
    expect(await pass(5)).toEqual([]);
    liveness.heard({ id: '1' });
  }
  expect(await pass(20)).toEqual(['1']);
});

test('who was given up and is back soon is given twice as long each time, and by and by less again', async () => {
  const { facts, connect, pass } = watching();
  facts.isThere = false;
  const turnsUntilGivenUp = async (id: string): Promise<number> => {
    connect(id);
    for (let turns = 1; turns < 1_000; turns++) if ((await pass(1)).length > 0) return turns;
    return Number.NaN;
  };
  const first = await turnsUntilGivenUp('1');
  const found = [await turnsUntilGivenUp('2'), await turnsUntilGivenUp('3')];
  expect(found).toEqual([2 * first - 2, 4 * first - 6]);
  for (let id = 4; id < 20; id++) await turnsUntilGivenUp(String(id));
  expect(await turnsUntilGivenUp('20')).toBeLessThan(64);
  // Another device has done nothing of that kind.
  connect('other', 'nas');
  expect(await pass(first)).toEqual(['other']);
  await pass(3_000);
  expect(await turnsUntilGivenUp('21')).toBe(first);
});

test('who is given longer is looked for beside that, and ends once it is heard on another connection, and not before', async () => {
  const { facts, liveness, connect, pass } = watching();
  facts.isThere = false;
  // Given up once, and back: from now on it is given 12 turns more than the first time, of 14.
  connect('1');
  expect(await pass(8)).toEqual(['1']);
  expect(facts.looked).toEqual([]);
  connect('2');
  expect(await pass(7)).toEqual([]);
  expect([liveness.isSilent({ id: '2' }), facts.looked]).toEqual([false, []]);
  expect(await pass(4)).toEqual([]);
  expect([liveness.isSilent({ id: '2' }), facts.looked]).toEqual([true, ['box', 'box']]);
  // It is connected once more and does not answer there either, so it may be busy.
  connect('3');
  expect(await pass(1)).toEqual([]);
  facts.isThere = true;
  liveness.heard({ id: '3' });
  expect(await pass(1)).toEqual(['2']);
  expect([liveness.isSilent({ id: '3' }), await pass(100)]).toEqual([false, []]);
});
