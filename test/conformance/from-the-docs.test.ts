/** The pages `docs/protocol/http.md`, `mrp.md` and `sync.md`, taken at their word: their programs are run as they stand there. */
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { eventually, startDevice } from './device.fixture.ts';

const ROOT = join(import.meta.dirname, '../..');
const device = await startDevice({ files: { 'page.md': '# Page\n' } });
afterAll(() => device[Symbol.asyncDispose]());

async function program(page: string, language: string): Promise<string> {
  const text = await readFile(join(ROOT, 'docs/protocol', page), 'utf8');
  const blocks = [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, code]) => code);
  expect(blocks.length).toBeGreaterThan(0);
  return blocks.join('\n');
}

test('curl and http.md are enough to open a folder, make and move a document, keep an asset, run code and read its events', async () => {
  const script = await program('http.md', 'sh');
  const { stdout, stderr } = await promisify(execFile)('bash', ['--norc', '-euo', 'pipefail', '-c', script], {
    env: { PATH: process.env['PATH'], MARKCO_HOME: device.home, FOLDER: device.folder },
    timeout: 60_000,
  });
  expect(stdout).not.toContain('"error":{');
  expect(stderr.replace(/^curl: \(28\).*$/m, '').trim()).toBe('');
  expect(stdout).toContain('{"status":"ok"}');
  expect(stdout).toContain('"state":"completed"');
  expect(stdout).toContain('"text":"42\\n"');
  expect(stdout).toContain('"type":"result"');
  expect(await readFile(join(device.folder, 'from/elsewhere.md'), 'utf8')).toBe('# From curl\n');
  expect((await device.get<{ runs: unknown[] }>('/api/runs')).runs).toHaveLength(1);
});

test('curl and mrp.md are enough to run code, look into its session, answer what it asks, and make a session', async () => {
  const script = await program('mrp.md', 'sh');
  const { stdout, stderr } = await promisify(execFile)('bash', ['--norc', '-euo', 'pipefail', '-c', script], {
    env: { PATH: process.env['PATH'], MARKCO_HOME: device.home, FOLDER: device.folder },
    timeout: 60_000,
  });
  expect(stderr.trim()).toBe('');
  expect(stdout).not.toContain('"error":{');
  for (const part of [
    '"runtime":"markco"',
    '"result":"6.283185307179586"',
    'event: start\ndata: {"execId":"first"',
    'data: {"content":"hello\\n"}',
    '"fullValue":"2"',
    '"label":"radius"',
    '"status":"incomplete"',
    'data: {"content":"hello Ada\\n"}',
    '"id":"work"',
  ])
    expect(stdout).toContain(part);
  expect(stdout.split('event: done\ndata: {}\n')).toHaveLength(3);
});

test('a stock provider and sync.md are enough to write a document', async () => {
  // Beside the packages it imports, as in a program of anybody's.
  const folder = await mkdtemp(join(ROOT, 'node_modules/.from-the-docs-'));
  try {
    await writeFile(join(folder, 'program.mjs'), await program('sync.md', 'js'));
    const child = spawn(process.execPath, [join(folder, 'program.mjs')], {
      env: {
        PATH: process.env['PATH'],
        ORIGIN: device.origin,
        TOKEN: device.token,
        USER_ID: device.userId,
        SLUG: device.project.slug,
      },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    try {
      await eventually(
        () =>
          readFile(join(device.folder, 'from/a provider.md'), 'utf8').then(
            (text) => text === '# Typed by a stock provider\n',
            () => false,
          ),
        'the file of the document',
      );
    } finally {
      child.kill('SIGKILL');
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('every rule of the pages has a test that is named after it', async () => {
  const names = new Set<string>();
  for (const file of [
    'routes',
    'refusals',
    'run-events',
    'sync',
    'tickets',
    'projects',
    'observe',
    'devices',
    'reach',
    'elsewhere',
    'sessions-elsewhere',
    'runs-elsewhere',
    'alone',
    'mrp/mrp',
    'mrp/own',
    '../failure/device/once',
    '../failure/device/barrier',
  ]) {
    const text = await readFile(join(import.meta.dirname, `${file}.test.ts`), 'utf8');
    for (const [title] of text.matchAll(/^\s*test(\.each)?\(.*$/gm))
      for (const [name] of title.matchAll(/\b[A-Z]+-\d+\b/g)) names.add(name);
  }
  const rules = (
    await Promise.all(
      ['http.md', 'mrp.md', 'sync.md'].map((page) => readFile(join(ROOT, 'docs/protocol', page), 'utf8')),
    )
  ).flatMap((text) => [...text.matchAll(/^- \*\*([A-Z]+-\d+)\*\*/gm)].map(([, rule]) => rule ?? ''));
  expect(rules.length).toBeGreaterThan(25);
  expect(rules.filter((rule) => !names.has(rule))).toEqual([]);
});
