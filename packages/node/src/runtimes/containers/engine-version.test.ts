import { expect, test } from 'vitest';
import { apiVersionFor, holeIn } from './engine-version.ts';

const engine = (ApiVersion: string, MinAPIVersion: string, runc?: string) => ({
  ...{ Version: '28.0.0', ApiVersion, MinAPIVersion },
  ...(runc === undefined ? {} : { Components: [{ Name: 'runc', Version: runc }] }),
});

test.each([
  ['1.41', '1.12', '1.41'],
  ['1.99', '1.24', '1.51'],
])('the newest API that both know is spoken: %s, at least %s', (theirs, least, spoken) => {
  expect(apiVersionFor(engine(theirs, least))).toBe(spoken);
});

test.each([
  ['1.40', '1.12', 'too old'],
  ['1.99', '1.60', 'newer than'],
])('an engine with which no API is common is refused: %s, at least %s', (theirs, least, why) => {
  expect(() => apiVersionFor(engine(theirs, least))).toThrow(expect.objectContaining({ code: 'unsupported' }));
  expect(() => apiVersionFor(engine(theirs, least))).toThrow(why);
});

test.each([
  ['1.1.5+ds1', '1.2.8'],
  ['1.1.99', '1.2.8'],
  ['1.2.7', '1.2.8'],
  ['1.3.2', '1.3.3'],
])('runc %s has a hole, and what to update to is said', (version, wanted) => {
  expect(holeIn(engine('1.41', '1.12', version))).toContain(`Update runc to ${wanted}`);
});

test.each(['1.2.8', '1.2.12', '1.3.3', '1.4.0', '1.5.0', '2.0.0'])('runc %s has none that is known', (version) => {
  expect(holeIn(engine('1.41', '1.12', version))).toBeNull();
});

test('an engine that does not say what it runs code with is not trusted', () => {
  expect(holeIn(engine('1.41', '1.12'))).toContain('does not say');
});
