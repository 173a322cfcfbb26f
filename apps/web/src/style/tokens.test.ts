import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const css = readFileSync(new URL('tokens.css', import.meta.url), 'utf8');

function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].toSorted((left, right) => right - left);
  return (light + 0.05) / (dark + 0.05);
}

const pairs = new Map(
  [...css.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)].map((match) => [
    match[1] ?? '',
    [match[2] ?? '', match[3] ?? ''],
  ]),
);
const grounds = ['bg', 'bg-raised', 'bg-quiet', 'code-bg'];
const inks = ['fg', 'muted', 'accent', 'danger', 'ok', 'warn'];

test.each([
  ['light', 0],
  ['dark', 1],
] as const)('words can be read on every ground of the %s theme', (_theme, at) => {
  expect(pairs.size).toBeGreaterThan(12);
  for (const ink of inks)
    for (const ground of grounds)
      expect({
        ink,
        ground,
        enough: contrast(pairs.get(ink)?.[at] ?? '', pairs.get(ground)?.[at] ?? '') >= 4.5,
      }).toEqual({ ink, ground, enough: true });
  for (const [ink, ground] of [
    ['accent-fg', 'accent'],
    ['fg', 'bg-hover'],
    ['fg', 'bg-selected'],
    ['fg', 'mark'],
    ['muted', 'bg-selected'],
    ['muted', 'bg-hover'],
  ] as const)
    expect({ ink, ground, enough: contrast(pairs.get(ink)?.[at] ?? '', pairs.get(ground)?.[at] ?? '') >= 4.5 }).toEqual(
      { ink, ground, enough: true },
    );
});
