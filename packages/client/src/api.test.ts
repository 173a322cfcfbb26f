import { Failure } from '@markco/protocol';
import { expect, test } from 'vitest';
import { createApi } from './api.ts';

const asking = (cause: Error) =>
  createApi({ origin: 'http://device', fetch: () => Promise.reject(cause) })('device', {}).catch(
    (error: unknown) => error,
  );

test('a device that cannot be asked is named where that is known, and can be asked again', async () => {
  expect(await asking(new TypeError('fetch failed'))).toMatchObject({
    code: 'not_ready',
    message: expect.stringContaining('markco up'),
    retryable: true,
  });
  expect(await asking(new Failure('not_ready', 'box is not connected: it is asleep'))).toMatchObject({
    code: 'not_ready',
    message: 'box is not connected: it is asleep',
    retryable: true,
  });
});
