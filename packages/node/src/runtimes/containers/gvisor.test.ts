/** What is asked of a Docker that has gVisor. Cells in the real one: `test/conformance/containers.test.ts`. */
import { expect, test } from 'vitest';
import type { Engine } from './engine.ts';
import { endInGvisor, hasGvisor, waitsFor } from './gvisor.ts';

const docker = (runtimes: object | null): Engine => ({
  version: () => Promise.reject(new Error('not asked')),
  call: async () => ({ Runtimes: runtimes }),
  sendFile: () => Promise.reject(new Error('not asked')),
  open: () => Promise.reject(new Error('not asked')),
});
const SOON = AbortSignal.timeout(10_000);
const runc = { path: 'runc' };

test.each([
  ['none of it', null, false],
  ['runc alone', { runc }, false],
  ['gVisor that lets sockets be made', { runc, runsc: { path: 'runsc', runtimeArgs: ['--host-uds=create'] } }, true],
  ['gVisor that lets all sockets through', { runsc: { runtimeArgs: ['--platform=kvm', '-host-uds=all'] } }, true],
])('a Docker with %s', async (_, runtimes, has) => {
  expect(await hasGvisor(docker(runtimes), SOON)).toBe(has);
});

test.each([
  ['no arguments', { runsc: { path: 'runsc' } }],
  ['other arguments', { runsc: { path: 'runsc', runtimeArgs: ['--host-uds=open', '--network=host'] } }],
])(
  'gVisor with %s reaches no session: nothing is run beside it instead, and what to write is said',
  async (_, found) => {
    await expect(hasGvisor(docker(found), SOON)).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('Add "--host-uds=create" to the runtimeArgs of runsc'),
    });
  },
);

test('a process that names another container, or is none, waits for nobody', async () => {
  expect(await waitsFor('0123456789abcdef', process.pid)).toBe(false);
  expect(await waitsFor('0123456789abcdef', 0)).toBe(false);
});

test('a container that was killed as a whole killed its worker', () => {
  expect([endInGvisor('exit code 128'), endInGvisor('exit code 1'), endInGvisor(null)]).toEqual([
    'signal SIGKILL',
    'exit code 1',
    null,
  ]);
});
