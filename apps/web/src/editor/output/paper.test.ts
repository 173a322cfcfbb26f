import { expect, test } from 'vitest';
import { hasDarkInk } from './paper.ts';

type Pixel = readonly [red: number, green: number, blue: number, opacity: number];
const NOTHING: Pixel = [0, 0, 0, 0];
const BLACK: Pixel = [0, 0, 0, 255];
const WHITE: Pixel = [255, 255, 255, 255];
const BLUE: Pixel = [59, 110, 165, 255];

const drawn = (ink: Pixel, ground: Pixel): number[] =>
  Array.from({ length: 100 }, (_, at) => (at % 10 === 0 ? ink : ground)).flat();

test('dark ink on nothing needs paper; a ground of its own, or bright ink, needs none', () => {
  expect(hasDarkInk(drawn(BLACK, NOTHING))).toBe(true);
  expect(hasDarkInk(drawn(BLACK, WHITE))).toBe(false);
  expect(hasDarkInk(drawn(WHITE, BLACK))).toBe(false);
  expect(hasDarkInk(drawn(BLUE, NOTHING))).toBe(false);
  expect(hasDarkInk(drawn(NOTHING, NOTHING))).toBe(false);
});
