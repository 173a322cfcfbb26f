import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test as base } from 'vitest';
import { readAttached } from './attached.ts';

const test = base.extend<{ home: string }>({
  home: async ({}, use) => {
    const home = await mkdtemp(path.join(tmpdir(), 'markco-attached-'));
    await use(home);
    await rm(home, { recursive: true });
  },
});

const write = (home: string, written: unknown, mode = 0o600) =>
  writeFile(path.join(home, 'runtimes.json'), typeof written === 'string' ? written : JSON.stringify(written), {
    mode,
  });

const good = { name: 'lab', language: 'Python', url: 'https://lab.example/base' };

test('no file means none; what is in it comes out parsed', async ({ home }) => {
  expect(await readAttached(home)).toEqual([]);
  await write(home, [good, { ...good, name: 'near', url: 'http://127.0.0.1:8000', token: 'secret' }]);
  expect(await readAttached(home)).toEqual([
    { name: 'lab', language: 'python', url: 'https://lab.example/base/', token: null },
    { name: 'near', language: 'python', url: 'http://127.0.0.1:8000/', token: 'secret' },
  ]);
});

test('a file that others can read is not read', async ({ home }) => {
  await write(home, [good]);
  await chmod(path.join(home, 'runtimes.json'), 0o644);
  await expect(readAttached(home)).rejects.toThrow(/can be read by others.*chmod 600/);
});

const wrong: readonly (readonly [unknown, RegExp])[] = [
  ['{', /no JSON/],
  [good, /must be a list/],
  [[1], /entry 1 is no/],
  [[{ ...good, name: '' }], /entry 1 needs a `name`/],
  [[{ ...good, name: '../x' }], /needs a `name`/],
  [[{ ...good, language: 7 }], /needs a `language`/],
  [[{ ...good, url: 'file:///etc/passwd' }], /http:\/\/ or https/],
  [[{ ...good, url: 'no address' }], /http:\/\/ or https/],
  [[{ ...good, url: 'http://a:b@host/' }], /password in its `url`/],
  [[{ ...good, url: 'http://host/?q' }], /with a \? or a #/],
  [[{ ...good, token: 'a\nb' }], /`token`/],
  [[{ ...good, more: 1 }], /field more/],
  [[good, { ...good, name: 'LAB' }], /there twice/],
  [Array.from({ length: 101 }, (_, index) => ({ ...good, name: `n${index}` })), /more than 100/],
  [' '.repeat(70_000), /larger than 64 KB/],
];

test.for(wrong)('%j is refused with a reason', async ([written, reason]) => {
  const home = await mkdtemp(path.join(tmpdir(), 'markco-attached-'));
  await write(home, written);
  await expect(readAttached(home)).rejects.toThrow(reason);
  await rm(home, { recursive: true });
});
