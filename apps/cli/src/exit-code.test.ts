import { expect, test } from 'vitest';
import { exitCodeOf } from './exit-code.ts';

test.each([
  ['completed', undefined, 0],
  ['failed', { type: 'ExitCode', message: 'exit code 3' }, 3],
  ['failed', { type: 'SystemExit', message: '4' }, 4],
  ['failed', { type: 'ZeroDivisionError', message: 'division by zero' }, 1],
  ['failed', { type: 'ExitCode', message: 'exit code 0' }, 1],
  ['failed', { type: 'ExitCode', message: 'exit code 999' }, 1],
  ['failed', { type: 'ValueError', message: 'exit code 3' }, 1],
  ['cancelled', undefined, 1],
] as const)('a run that is %s with %o ends with %i', (state, error, code) => {
  expect(exitCodeOf({ state, ...(error === undefined ? {} : { error }) })).toBe(code);
});
