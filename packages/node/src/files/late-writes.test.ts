import { expect, test } from 'vitest';
import type { DocumentId } from '@markco/protocol';
import { createMemoryFolder } from './files-memory.ts';
import type { OpenFile } from './files.ts';
import { createLateWrites } from './late-writes.ts';
import { createMemoryTexts } from './texts-memory.ts';
import { createVirtualTimer } from './timer-virtual.ts';

const ID = 'document' as DocumentId;

/** Files that were replaced just now, which a program has open still; `bytes` each. */
async function replacedFiles(count: number, bytes = 5) {
  const timer = createVirtualTimer();
  const folder = createMemoryFolder();
  const memory = createMemoryTexts();
  const broken = { edits: 0 };
  const texts: typeof memory = {
    ...memory,
    async edit(...step) {
      const edited = await memory.edit(...step);
      if (broken.edits-- > 0) throw new Error('nobody knows whether it is on disk');
      return edited;
    },
  };
  const failures: string[] = [];
  const open = new Set<OpenFile>();
  let author = 1;
  const lateWrites = createLateWrites(
    { texts, timer, newAuthor: () => author++, onFailure: (_id, error) => void failures.push(String(error)) },
    { bytesMax: 1024 * 1024 * 1024 },
  );
  const text = `${'.'.repeat(bytes - 1)}\n`;
  const seq = texts.import(ID, text);
  const files = folder.files(() => undefined);
  const hold = async (name: string): Promise<void> => {
    folder.write(name, new TextEncoder().encode(text), 'replace');
    const file = await files.open(name);
    if (file === undefined) throw new Error('it is there');
    open.add(file);
    const closing = { ...file, close: async () => void open.delete(file) };
    await lateWrites.hold({ id: ID, file: closing, bytes: new TextEncoder().encode(text), seq, steps: [] });
  };
  for (let at = 0; at < count; at++) await hold(`${at}.md`);
  const append = (name: string, words: string): void => {
    const inode = folder.nodes.get(name);
    if (inode === undefined) throw new Error('it is there');
    folder.fill(inode, Buffer.concat([inode.bytes, Buffer.from(words)]));
  };
  return { hold, broken, timer, texts, open, failures, append, lateWrites };
}

test('what a program writes seconds after the file was replaced is heard, and what it writes seconds after that', async () => {
  const { timer, texts, append, failures, open } = await replacedFiles(1);
  await timer.drain(4_000);
  append('0.md', 'first\n');
  await timer.drain(10_000);
  append('0.md', 'second\n');
  await timer.drain();
  expect(texts.text(ID)).toBe('....\nfirst\nsecond\n');
  expect([failures, open.size]).toEqual([[], 0]);
});

test('a file that nobody writes into any more is let go, and so is the oldest of many or of large ones', async () => {
  const quiet = await replacedFiles(3);
  expect(quiet.open.size).toBe(3);
  await quiet.timer.drain(15_000);
  expect(quiet.open.size).toBe(0);
  const many = await replacedFiles(100);
  expect(many.open.size).toBe(64);
  await many.timer.drain(400);
  await many.hold('one-more.md');
  expect(many.open.size).toBe(16);
  expect((await replacedFiles(5, 10 * 1024 * 1024)).open.size).toBe(3);
});

test('what a document did not take for certain is told again, and is there once', async () => {
  const { timer, texts, append, failures, broken } = await replacedFiles(1);
  broken.edits = 2;
  append('0.md', 'late\n');
  await timer.drain();
  expect([texts.text(ID), failures.length]).toEqual(['....\nlate\n', 2]);
});

test('what is still held is looked at once more when the folder is closed', async () => {
  const { append, texts, timer, lateWrites } = await replacedFiles(2);
  append('0.md', 'late\n');
  const closed = lateWrites.close();
  await timer.drain();
  await closed;
  expect(texts.text(ID)).toBe('....\nlate\n');
});

test('a program that goes on for ever is given up, and people are told', async () => {
  const { timer, append, failures, open, texts } = await replacedFiles(1);
  const writer = (): void => {
    if (open.size === 0) return;
    append('0.md', 'more\n');
    timer.after(1_000, writer);
  };
  writer();
  await timer.drain();
  expect([open.size, failures.length]).toEqual([0, 1]);
  expect(failures[0]).toContain('Have the program open the file again.');
  expect(texts.text(ID).split('more').length - 1).toBeGreaterThan(60);
});
