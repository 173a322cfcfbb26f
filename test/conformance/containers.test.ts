/** Cells that run in containers: what every runtime keeps to, and what a person sees of a device that has them. */
import { mkdtemp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { kill } from 'node:process';
import { findInside } from '@markco/node/runtimes/containers/container-processes';
import { createContainers } from '@markco/node/runtimes/containers/containers';
import { limitsOf } from '@markco/node/runtimes/containers/plan';
import type { Run } from '@markco/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PYTHON_WORDS } from '@markco/node/runtimes/python/words.fixture';
import { runtimeContract } from '@markco/node/runtimes/runtime.contract';
import { eventually, newRunId, startDevice } from './device.fixture.ts';
import { startDocker, whyNoDocker, type TestDocker } from './docker.fixture.ts';

const why = await whyNoDocker();
let docker: TestDocker | undefined;
beforeAll(async () => {
  if (why === null) docker = await startDocker();
}, 180_000);
afterAll(async () => docker?.[Symbol.asyncDispose](), 60_000);

runtimeContract('Python in a container', {
  language: 'python',
  words: PYTHON_WORDS,
  reason: async () => why,
  async device() {
    if (docker === undefined) throw new Error('Docker did not start');
    const home = await mkdtemp('/tmp/markco-containers-');
    const { socket } = docker;
    return { home, containers: createContainers({ home, socket, limits: limitsOf('free'), kill, strict: false }) };
  },
  // Docker's own groups have its name.
  findProcess: (pid) => findInside('/docker/', pid),
});

const CODE = 'import os\nprint(os.getcwd(), os.getuid(), sorted(os.listdir()))';
const files = { 'page.md': `# Page\n\n\`\`\`python\n${CODE}\n\`\`\`\n` };

test('a cell of a document runs in a container of its project, and its output is in the file', async (context) => {
  if (docker === undefined) return context.skip(why ?? '');
  await using device = await startDevice({ files, env: { MARKCO_CONTAINERS: 'own', MARKCO_DOCKER: docker.socket } });
  const { id } = await device.document('page');
  const body = { id: newRunId(), projectId: device.project.id, documentId: id, language: 'python', code: CODE };
  await device.get<Run>('/api/runs', { body });
  const output = await eventually(
    async () => /```output\n([\s\S]*?)```/.exec(await readFile(join(device.folder, 'page.md'), 'utf8'))?.[1],
    'the output to be in the file',
    30_000,
  );
  expect(output).toContain("/project 61000 ['page.md']");
});

test('a device without Docker runs nothing on the machine instead, and says why', async () => {
  const env = { MARKCO_CONTAINERS: '1', MARKCO_DOCKER: '/nowhere/docker.sock' };
  await using device = await startDevice({ files, env });
  const answer = await device.ask('/api/runs', {
    body: { id: newRunId(), projectId: device.project.id, language: 'python', code: '1' },
  });
  expect(answer.text).toContain('Docker does not answer at /nowhere/docker.sock');
});
