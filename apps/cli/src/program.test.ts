import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect } from 'vitest';
import { deviceAnswer, test } from './desk.fixture.ts';

const project = (n: number, slug: string, localRootPath: string) => ({
  id: `019a8f3c-000${n}-7000-8000-000000000000`,
  userId: '019a8f3c-0000-7000-8000-00000000000a',
  slug,
  displayName: slug,
  configPath: 'mrmd.md',
  source: 'opened-local',
  syncMode: 'active',
  visibility: 'private',
  createdAt: '2026-11-21T08:00:00.000Z',
  updatedAt: '2026-11-21T08:00:00.000Z',
  localRootPath,
});

test('wrong usage exits 2, says why on stderr and suggests the nearest command', async ({ desk }) => {
  expect(await desk.markco('opne')).toMatchObject({
    code: 2,
    out: '',
    err: expect.stringMatching(/unknown command 'opne'[^]*Did you mean open\?/),
  });
  expect(await desk.markco('run')).toMatchObject({ code: 2, out: '' });
  expect(await desk.markco('run', 'a.md', '--cell', '0')).toMatchObject({
    code: 2,
    err: expect.stringContaining('counted from 1'),
  });
  expect(await desk.markco('runs', '--state', 'odd')).toMatchObject({ code: 2 });
  expect(await desk.markco('completion', 'tcsh')).toMatchObject({ code: 2 });
  expect(await desk.markco()).toMatchObject({ code: 2, out: '' });
  expect(desk.asked).toEqual([]);
});

test('help is a result: it exits 0, goes to stdout and shows examples', async ({ desk }) => {
  for (const words of [['--help'], ['run', '--help'], ['help', 'logs']]) {
    const { code, out, err } = await desk.markco(...words);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/Examples:\n {2}\$ markco/);
  }
});

test.for([
  ['projects'],
  ['docs'],
  ['run', 'a.md'],
  ['runs'],
  ['logs', '019a'],
  ['cancel', '019a'],
  ['sessions'],
  ['open', '.'],
  ['status'],
  ['peers'],
  ['netcheck'],
  ['recovery', '--yes'],
])('%s without a device says how to start one and exits 1', async (words, { desk }) => {
  expect(await desk.markco(...words)).toEqual({
    code: 1,
    out: '',
    err: '✗ No device is running here. Start one with: markco up\n',
  });
});

test('a device that was killed and left its files behind is none', async ({ desk }) => {
  await desk.device();
  desk.answers.delete('GET /stats');
  expect(await desk.markco('projects')).toMatchObject({
    code: 1,
    err: expect.stringContaining('No device is running'),
  });
});

test('with --json a failure is JSON too, on stderr', async ({ desk }) => {
  const { code, out, err } = await desk.markco('projects', '--json');
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(JSON.parse(err)).toMatchObject({ error: { code: 'not_ready' } });
});

test('projects are asked for with the token and shown as a table, or as the device said them', async ({ desk }) => {
  await desk.device();
  const projects = [project(1, 'notes', '/home/me/notes'), project(2, 'work', '/home/me/work')];
  desk.answers.set('GET /api/projects', { projects });
  const { out } = await desk.markco('projects');
  expect(out).toBe(
    'ID             PROJECT  NAME   FOLDER\n' +
      '019a8f3c-0001  notes    notes  /home/me/notes\n' +
      '019a8f3c-0002  work     work   /home/me/work\n',
  );
  expect(desk.asked.at(-1)?.token).toBe('Bearer secret');
  expect(JSON.parse((await desk.markco('projects', '--json')).out)).toEqual({ projects, elsewhere: [] });
});

test('a project may be named by slug or by the beginning of its id, and must be told apart', async ({ desk }) => {
  await desk.device();
  desk.answers.set('GET /api/projects', { projects: [project(1, 'notes', '/a'), project(2, 'work', '/b')] });
  desk.answers.set('GET /api/projects/019a8f3c-0002-7000-8000-000000000000/documents', { documents: [] });
  expect(await desk.markco('docs', 'work')).toMatchObject({ code: 0 });
  expect(await desk.markco('docs', '019a8f3c-0002')).toMatchObject({ code: 0 });
  expect(await desk.markco('docs', '019a8f3c')).toMatchObject({
    code: 1,
    err: expect.stringMatching(/more than one project.*notes.*work/),
  });
  expect(await desk.markco('docs', 'wrk')).toMatchObject({
    code: 1,
    err: expect.stringMatching(/No project is called "wrk".*notes/),
  });
  expect(await desk.markco('docs')).toMatchObject({ code: 1, err: expect.stringContaining('Say which project') });
});

test('docs takes the project of the folder it is typed in', async ({ desk }) => {
  await desk.device();
  desk.answers.set('GET /api/projects', { projects: [project(1, 'notes', desk.home), project(2, 'work', '/b')] });
  desk.answers.set('GET /api/projects/019a8f3c-0001-7000-8000-000000000000/documents', { documents: [] });
  expect(await desk.markco('docs')).toMatchObject({ code: 0 });
});

test('open sends an absolute path and prints the link that signs in', async ({ desk }) => {
  await desk.device();
  desk.answers.set('POST /api/projects/open-local', project(1, 'notes', '/home/me/notes'));
  expect(await desk.markco('open', 'sub')).toMatchObject({
    code: 0,
    out: 'http://localhost:7717/p/notes#token=secret\n',
  });
  expect(desk.asked.at(-1)?.body).toEqual({ localPath: join(desk.home, 'sub') });
});

test('a name with escape codes cannot steer the terminal', async ({ desk }) => {
  await desk.device();
  desk.answers.set('GET /api/projects', {
    projects: [{ ...project(1, 'notes', '/a'), displayName: '\u001b]52;c;evil\u0007' }],
  });
  const { out } = await desk.markco('projects');
  expect(out).toContain('?]52;c;evil?');
  expect(out).not.toMatch(/[\u0007\u001b]/);
});

test('up on a device that already runs says so, opens the folders there and exits', async ({ desk }) => {
  await desk.device();
  desk.answers.set('GET /api/projects', { projects: [] });
  desk.answers.set('POST /api/projects/open-local', project(1, 'notes', '/home/me/notes'));
  desk.answers.set('GET /api/device', deviceAnswer);
  const { code, out, err } = await desk.markco('up', '/home/me/notes');
  expect({ code, err }).toEqual({ code: 0, err: 'Port 7717 is already MarkCo (pid 812). Opening that one.\n' });
  expect(out).toBe(
    'MarkCo 0.1.0 · http://localhost:7717/p/notes#token=secret · folder /home/me/notes\n' + 'Python 3.11.7 ✓\n',
  );
});

test('up on a device that already runs fails where a folder cannot be opened, and says which', async ({ desk }) => {
  await desk.device();
  desk.answers.set('GET /api/projects', { projects: [project(1, 'notes', '/home/me/notes')] });
  desk.answers.set('GET /api/device', deviceAnswer);
  const { code, err } = await desk.markco('up', '/home/me/nowhere');
  expect(code).toBe(1);
  expect(err).toContain('Could not open /home/me/nowhere: ');
});

test('up on a port of another program names it and another port', async ({ desk }) => {
  const server = createServer();
  const port = await new Promise<number>((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
  );
  desk.env['MARKCO_PORT'] = String(port);
  desk.programs.set('lsof', { code: 0, stdout: 'p1201\ncnginx\n', stderr: '' });
  const { code, err } = await desk.markco('up');
  server.close();
  expect(code).toBe(1);
  expect(err).toBe(
    `✗ Port ${port} belongs to nginx (pid 1201). Stop it, or choose another: MARKCO_PORT=${port + 1} markco up\n`,
  );
});

test.for(['file/inside', '/proc/nowhere'])(
  'a state folder that cannot be (%s) is refused at once',
  async (home, { desk }) => {
    await writeFile(join(desk.home, 'file'), '');
    desk.env['MARKCO_HOME'] = home;
    expect(await desk.markco('up')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/✗ The state folder .* Choose another: MARKCO_HOME=DIR markco up/),
    });
  },
);

test('a port that is none is refused before anything starts', async ({ desk }) => {
  desk.env['MARKCO_PORT'] = '77177';
  expect(await desk.markco('up')).toMatchObject({ code: 1, err: expect.stringContaining('MARKCO_PORT') });
});

test('doctor names what is missing with the command that gets it, and fails only for what MarkCo needs', async ({
  desk,
}) => {
  desk.programs.set('python3', { code: 0, stdout: 'Python 3.11.7\n', stderr: '' });
  desk.programs.set('which', { code: 0, stdout: '/usr/bin/python3\n', stderr: '' });
  desk.programs.set('apt-get', { code: 0, stdout: 'apt 2\n', stderr: '' });
  const { code, out } = await desk.markco('doctor');
  expect(code).toBe(0);
  expect(out).toContain('✓ Python        3.11.7 at /usr/bin/python3\n');
  expect(out).toMatch(/✗ R +not found; R cells cannot run\n +→ sudo apt-get install -y r-base\n/);
  expect(out).toMatch(/✗ Device +not running; port 0 is free\n +→ markco up\n/);
  expect(out).toMatch(/✓ This machine +\d+ cores? · \d+ [GM]B · .*(Wi-Fi|Ethernet|metered network|offline)\n/);
  expect(out).not.toContain('Policy');
  await writeFile(join(desk.home, 'device-policy.json'), '{');
  expect(await desk.markco('doctor')).toMatchObject({
    code: 0,
    out: expect.stringMatching(
      /✗ Policy +.*is no JSON, so no other device may run anything here\.\n +→ Mend .*policy\.json/,
    ),
  });
  const keys = join(desk.home, 'device-keys.json');
  for (const [kept, line] of [
    ['{"device":"aaaa"}', /✓ Keys +in .*device-keys\.json, which only you can read\n/],
    ['{"keychain":"d1"}', /✓ Keys +in this system's keychain\n/],
  ] as const) {
    await writeFile(keys, kept);
    expect((await desk.markco('doctor')).out).toMatch(line);
  }
  await writeFile(keys, '{"device":');
  expect(await desk.markco('doctor')).toMatchObject({
    code: 1,
    out: expect.stringMatching(/✗ Keys +.*does not know who it is.*\n +→ Restore the folder from a copy: /),
  });
  desk.env['MARKCO_HOME'] = join(desk.home, 'file/inside');
  await writeFile(join(desk.home, 'file'), '');
  expect(await desk.markco('doctor')).toMatchObject({
    code: 1,
    out: expect.stringMatching(/✗ State folder {2}.* cannot be written/),
  });
});

test.for(['bash', 'zsh', 'fish'])('the completion of %s knows every command', async (shell, { desk }) => {
  const { code, out } = await desk.markco('completion', shell);
  expect(code).toBe(0);
  for (const name of ['up', 'open', 'projects', 'docs', 'run', 'runs', 'logs', 'cancel', 'sessions', 'doctor'])
    expect(out).toContain(name);
  expect(out).toContain('cell');
});
