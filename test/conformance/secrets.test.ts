/**
 * T16 where code runs: what a cell was answered in secret, and what is the device's own in its environment, is in
 * nothing that the device keeps, tells or hands on, whichever interpreter runs the cell.
 */
import { chmod, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { platform } from 'node:process';
import type { Run, RunEvent, RuntimeSession } from '@markco/protocol';
import { afterAll, expect, test } from 'vitest';
import { searchFor } from './canaries.fixture.ts';
import { eventually, messagesOf, newRunId, startDevice } from './device.fixture.ts';

const CELLS = {
  python: {
    language: 'python',
    page: 'python',
    code: 'import getpass\nsecret = getpass.getpass("key? ")\nprint(len(secret), "characters")',
  },
  bash: { language: 'bash', page: 'bash', code: 'read -rsp "key? " secret\necho "${#secret} characters"' },
  javascript: {
    language: 'javascript',
    page: 'javascript',
    code: 'const secret = prompt("key? ", { password: true });\nconsole.log(secret.length, "characters")',
  },
  r: {
    language: 'r',
    page: 'r',
    code: 'secret <- getOption("askpass")("key? ")\ncat(nchar(secret), "characters")',
  },
  kernel: {
    language: 'python',
    page: 'kernel',
    code: 'import getpass\nsecret = getpass.getpass("key? ")\nprint(len(secret), "characters")',
  },
} as const;
type Kind = keyof typeof CELLS;
const KINDS = Object.keys(CELLS) as Kind[];
const FRONT = '---\nsession:\n  python:\n    kernel: python3\n---\n\n';

const INTERPRETER = '.venv/bin/python';

const answers = Object.fromEntries(KINDS.map((kind) => [kind, `canary of ${kind} ~ answered`])) as Record<Kind, string>;
// Of this process alone: another one may run these tests beside it.
const own = { MARKCO_TOKEN: `canary-of-the-token-${newRunId()}`, MARKCO_API_KEY: `canary-of-the-key-${newRunId()}` };
const pages = KINDS.map((kind) => {
  const { language, page, code } = CELLS[kind];
  return [`${page}.md`, `${kind === 'kernel' ? FRONT : ''}# Page\n\n\`\`\`${language}\n${code}\n\`\`\`\n`];
});
const device = await startDevice({
  files: {
    ...(Object.fromEntries(pages) as Record<string, string>),
    // A project brings a program of its own, and it is asked for its version before any session is there.
    [INTERPRETER]: '#!/bin/sh\nenv >>"$0.seen"\nexec python3 "$@"\n',
  },
  // What IPython and Bash write down beside a session is looked through as well.
  env: { ...own, LOG_LEVEL: 'trace', IPYTHONDIR: '../ipython', HISTFILE: '../history' },
});
await chmod(join(device.folder, INTERPRETER), 0o755);
afterAll(() => device[Symbol.asyncDispose]());
const search = searchFor({ ...answers, ...own });

/** Of one moment: a process that has just been started still is, for a while, the one that starts it. */
async function programOf(pid: string): Promise<{ readonly environ: Buffer; readonly command: Buffer }> {
  const read = (file: string): Promise<Buffer> => readFile(`/proc/${pid}/${file}`).catch(() => Buffer.alloc(0));
  for (;;) {
    const command = await read('cmdline');
    const environ = await read('environ');
    if (command.equals(await read('cmdline'))) return { environ, command };
  }
}

/** Every process of this machine, but for the device that was started with its secrets. How many devices that were. */
async function lookInProcesses(): Promise<number> {
  let devices = 0;
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const { environ, command } = await programOf(pid);
    if (command.includes('\0--no-browser')) devices += environ.includes(own.MARKCO_TOKEN) ? 1 : 0;
    else search.look(`the environment of ${pid}: ${String(command)}`, environ);
    search.look(`the command line of ${pid}`, command);
  }
  return devices;
}

async function lookEverywhere(): Promise<void> {
  search.look('the log', device.log());
  await search.lookInFolder(device.root);
  for (const path of ['/metrics', '/stats', '/api/device', '/api/runs', '/api/sessions', '/mrp/v1/sessions'])
    search.look(path, (await device.ask(path)).text);
  for (const { id } of (await device.get<{ sessions: RuntimeSession[] }>('/api/sessions')).sessions)
    search.look('/mrp/v1/history', (await device.ask('/mrp/v1/history', { body: { session: id } })).text);
}

for (const kind of KINDS) {
  test(`T16 what a cell of ${kind} is answered in secret is kept nowhere`, async ({ skip }) => {
    const { language, page, code } = CELLS[kind];
    const { id: documentId } = await device.document(page);
    const run = await device.get<Run>('/api/runs', {
      body: { id: newRunId(), projectId: device.project.id, documentId, language, code },
    });
    const following = messagesOf(device.socket(`/api/runs/${run.id}/events`));
    const answer = async (): Promise<boolean> =>
      (await device.ask(`/api/runs/${run.id}/input`, { body: { text: answers[kind] } })).status === 200;
    const ended = following.then(() => 'ended' as const);
    const first = await Promise.race([ended, eventually(answer, 'the answer to be taken', 60_000)]);
    const events = (await following).messages as RunEvent[];
    const last = events.at(-1);
    if (
      first === 'ended' &&
      last?.type === 'error' &&
      /no kernel|is not installed|No R was found/.test(last.payload.message)
    )
      skip(`there is none here: ${last.payload.message}`);
    // It was asked for as a secret and arrived: its length was printed, into the document too.
    expect(events.find(({ type }) => type === 'stdin-request')?.payload).toMatchObject({ password: true });
    const printed = `${answers[kind].length} characters`;
    expect(events.map((event) => (event.type === 'stdout' ? event.payload.text : '')).join('')).toContain(printed);
    await eventually(
      async () => (await readFile(join(device.folder, `${page}.md`), 'utf8')).includes(printed),
      'the output to be in the file',
      60_000,
    );
    search.look(`the events of ${kind}`, JSON.stringify(events));
    search.look(`the run of ${kind}`, (await device.ask(`/api/runs/${run.id}`)).text);
    await lookEverywhere();
    if (platform === 'linux') expect(await lookInProcesses()).toBeGreaterThanOrEqual(1);
    expect(search.found).toEqual([]);
  });
}

test('T16 the search sees what is there, also what a program of the project was started with', async () => {
  expect(await readFile(join(device.folder, `${INTERPRETER}.seen`), 'utf8')).toContain('LOG_LEVEL=trace');
  expect(search.bytesSeen).toBeGreaterThan(10_000);
  const again = searchFor({ shown: 'LOG_LEVEL=trace' });
  await again.lookInFolder(device.root);
  expect(again.found).toEqual([`shown in ${join(device.folder, INTERPRETER)}.seen`]);
});
