import { expect, test } from 'vitest';
import { limitsOf } from './plan.ts';
import { containerSpec, specHash } from './spec.ts';

const wish = {
  image: 'sha256:1',
  user: { uid: 1_000, gid: 1_000 },
  limits: limitsOf('free', { memoryBytes: 64e9, cpus: 8 }),
  projectFolder: '/home/ana/notes',
  sessionsFolder: '/state/containers/1',
  program: ['/opt/markco/packages'],
  runtime: null,
  network: 'none',
};

test('code in a container gets nothing that is not listed here', () => {
  const { User, HostConfig } = containerSpec(wish, 'device');
  expect(User).toBe('1000:1000');
  expect(HostConfig).toMatchObject({
    NetworkMode: 'none',
    ReadonlyRootfs: true,
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges'],
    Memory: 1024 ** 3,
    MemorySwap: 1024 ** 3,
    NanoCpus: 1e9,
    PidsLimit: 256,
  });
  expect(Object.keys(HostConfig)).not.toContain('Privileged');
  expect(Object.keys(HostConfig)).not.toContain('CapAdd');
  const mounts = HostConfig.Mounts.map(({ Source, Target, ReadOnly }) => [Source, Target, ReadOnly]);
  expect(mounts).toEqual([
    ['/home/ana/notes', '/project', false],
    ['/state/containers/1', '/run/markco', false],
    ['/opt/markco/packages', '/opt/markco/packages', true],
  ]);
});

test('a container that was made for something else is told by its label', () => {
  expect(specHash(wish)).toBe(specHash({ ...wish }));
  expect(specHash({ ...wish, network: 'egress' })).not.toBe(specHash(wish));
  expect(specHash({ ...wish, limits: limitsOf('pro') })).not.toBe(specHash(wish));
});

test('a plan never promises more than the machine has', () => {
  expect(limitsOf('team', { memoryBytes: 2e9, cpus: 1 })).toMatchObject({ cpus: 1 });
  expect(limitsOf('team', { memoryBytes: 2e9, cpus: 1 }).memoryBytes).toBeLessThanOrEqual(1.6e9);
});
