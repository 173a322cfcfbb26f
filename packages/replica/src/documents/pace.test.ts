import { expect, test } from 'vitest';
import { createPace, READERS_MANY } from './pace.ts';

/** Passing on takes so long, in milliseconds, and goes to so many. */
function setUp(ms: number, readers = READERS_MANY) {
  let now = 0;
  const pace = createPace(() => now);
  const pass = (): void => {
    const began = now;
    now += ms;
    pace.took(began, readers);
  };
  return {
    pace,
    pass,
    rest: () => void (now += 1_000),
    /** So many go together. */
    go(count: number) {
      pace.goes(count);
      pass();
    },
  };
}

test('who writes after a rest waits for nobody, however many read it', () => {
  const { pace, pass, go, rest } = setUp(1);
  expect(pace.isQuiet()).toBe(true);
  pass();
  expect(pace.isQuiet()).toBe(false);
  go(8);
  expect(pace.waits(1)).toBe(2);
  rest();
  expect(pace.isQuiet()).toBe(true);
  expect(pace.waits(1)).toBe(0);
});

test('as many are waited for as went together last time, and now and then one more', () => {
  const { pace, pass, go } = setUp(1);
  pass();
  for (let count = 1; count <= 8; count++) {
    expect(pace.waits(count)).toBe(0);
    go(count);
  }
  // A ninth does not come, and is waited for ever more seldom.
  for (const again of [33, 65, 129]) {
    expect(pace.waits(8)).toBe(2);
    go(8);
    let steady = 0;
    for (; pace.waits(8) === 0; steady++) go(8);
    expect(steady).toBe(again);
  }
  // It comes.
  expect(pace.waits(9)).toBe(0);
  go(9);
  expect(pace.waits(9)).toBe(2);
  go(9);
  let steady = 0;
  for (; pace.waits(9) === 0; steady++) go(9);
  expect(steady).toBe(33);
});

test('fewer than last time go once passing on might have been done twice, and one fewer is waited for then', () => {
  const { pace, pass, go } = setUp(1.5);
  pass();
  go(7);
  for (let expected = 8; expected > 3; expected--) {
    expect(pace.waits(expected)).toBe(0);
    expect(pace.waits(3)).toBe(3);
    go(3);
  }
  expect(pace.waits(3)).toBe(0);
});

test('nobody waits where few look on, nor for longer than some milliseconds', () => {
  const few = setUp(100, READERS_MANY - 1);
  few.pass();
  few.go(8);
  expect(few.pace.waits(1)).toBe(0);
  const slow = setUp(100);
  slow.pass();
  slow.go(8);
  expect(slow.pace.waits(1)).toBe(5);
});
