import { platform } from 'node:process';
import { expect, test } from 'vitest';
import { systemFiles } from './system-files.ts';

test('what the kernel has in memory is read at once, and takes no thread from what is on its way to the disk', async ({
  skip,
}) => {
  if (platform !== 'linux') skip('only Linux speaks of itself in files');
  let text: string | null = null;
  void systemFiles.text('/proc/meminfo').then((found) => (text = found));
  // What a thread has read comes in a later turn of the loop than this one.
  for (let step = 0; step < 10; step++) await Promise.resolve();
  expect(text).toMatch(/^MemTotal:/);
});

test('a file that is not there says nothing', async () => {
  expect(await systemFiles.text('/proc/there/is/none')).toBeNull();
  expect(await systemFiles.text('/sys/there/is/none')).toBeNull();
});
