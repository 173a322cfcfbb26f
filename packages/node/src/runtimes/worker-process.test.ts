/** What a program that runs somebody's code finds in its environment. */
import { expect, test } from 'vitest';
import { inherited } from './worker-process.ts';

test('programs get what somebody set, and neither settings of the device nor what was set for its own memory', () => {
  const theirs = { PATH: '/bin', MALLOC_ARENA_MAX: '4', EMPTY: '' };
  expect(inherited({ ...theirs, MARKCO_HOME: '/home', MARKCO_LEAN: '', NONE: undefined })).toEqual(theirs);
  const forIt = { MALLOC_TRIM_THRESHOLD_: '1', MARKCO_LEAN: 'MALLOC_TRIM_THRESHOLD_,OTHER' };
  expect(inherited({ ...theirs, ...forIt })).toEqual(theirs);
});
