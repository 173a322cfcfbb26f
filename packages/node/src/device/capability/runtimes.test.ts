import { expect, test, vi } from 'vitest';
import { RUNTIMES } from '../../runtimes/descriptor.ts';
import type { Detected, RuntimeDescriptor } from '../../runtimes/runtime.ts';
import { createRuntimeDetection } from './runtimes.ts';

const parts = { env: {}, folder: '/nowhere', now: () => Date.now() };
const found: Detected = { available: true, version: '3.12.1', executable: '/usr/bin/python3' };

/** Python as it is found when the test says so, beside Bash, which is found at once. */
function setUp() {
  const [python, bash] = RUNTIMES as readonly [RuntimeDescriptor, RuntimeDescriptor];
  const looks: PromiseWithResolvers<Detected>[] = [];
  const table = [
    {
      ...python,
      detect() {
        const look = Promise.withResolvers<Detected>();
        looks.push(look);
        return look.promise;
      },
    },
    { ...bash, detect: async () => ({ ...found, version: '5.2' }) },
  ];
  return { looks, ask: createRuntimeDetection(parts, table) };
}

test('an interpreter that is not found in time is missing, and all others are there', async () => {
  const { looks, ask } = setUp();
  const asked = ask();
  looks[0]?.reject(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
  expect(await asked).toMatchObject([
    { language: 'python', available: false, hint: expect.stringContaining('still looked for') },
    { language: 'bash', available: true },
  ]);
});

test('nobody waits again for one that was not found in time, and it appears once it is found', async () => {
  const { looks, ask } = setUp();
  const asked = ask();
  looks[0]?.reject(new Error('too late'));
  await asked;
  // Who asks now begins to look anew, and has its answer before anything is found.
  expect(await ask()).toMatchObject([{ available: false }, { available: true }]);
  expect(looks).toHaveLength(2);
  looks[1]?.resolve(found);
  await vi.waitFor(async () => expect(await ask()).toMatchObject([{ available: true, version: '3.12.1' }, {}]));
  expect(looks).toHaveLength(2);
});
