import { expect, test } from 'vitest';
import { createTurnEnd } from './turn-end.ts';

test('each is flushed once the turn is over, in the order in which they asked, and again in the next turn', async () => {
  const flushed: string[] = [];
  const atTurnEnd = createTurnEnd();
  const [a, b] = ['a', 'b'].map((name) => ({ flush: () => void flushed.push(name) }));
  if (a === undefined || b === undefined) throw new Error('two');
  atTurnEnd(b);
  atTurnEnd(a);
  expect(flushed).toEqual([]);
  await Promise.resolve();
  expect(flushed).toEqual(['b', 'a']);
  // Who asks while others are flushed is flushed too.
  atTurnEnd({ flush: () => atTurnEnd(a) });
  await new Promise((resolve) => setImmediate(resolve));
  expect(flushed).toEqual(['b', 'a', 'a']);
});
