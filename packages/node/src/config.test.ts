import { expect, test } from 'vitest';
import { readConfig } from './config.ts';

test('what is not said has a default, and flags count before the environment', () => {
  expect(readConfig({})).toMatchObject({ port: 7717, host: '127.0.0.1', logLevel: 'info' });
  const limits = { MARKCO_SESSION_MEMORY_MB: '512', MARKCO_SESSION_PROCESSES: '64', MARKCO_SESSION_IDLE_HOURS: '2' };
  const cores = {
    MARKCO_SESSION_CPUS: '0.5',
    MARKCO_NAME: 'box',
    MARKCO_PEER_PORT: '0',
    MARKCO_PEER_ADDRESSES: '/ip4/203.0.113.7/tcp/1, /ip4/203.0.113.8/tcp/1',
    MARKCO_RELAY: '1',
    MARKCO_MDNS: '0',
    MARKCO_PROJECTS: '/c',
  };
  const own = { MARKCO_PORT: '1', MARKCO_HOME: '/a', MARKCO_HOST: '::1', LOG_LEVEL: 'debug' };
  expect(readConfig({ ...own, ...limits, ...cores })).toEqual({
    home: '/a',
    port: 1,
    host: '::1',
    logLevel: 'debug',
    sessionLimits: { memoryBytes: 512 * 1024 * 1024, processes: 64, cpus: 0.5 },
    sessionIdleMs: 2 * 3_600_000,
    containers: null,
    name: 'box',
    peerPort: 0,
    peerHost: '0.0.0.0',
    usesKeychain: true,
    databaseUrl: null,
    publishOrigin: null,
    registration: 'invite',
    signInWith: [],
    natsUrl: null,
    syncMode: 'relay_primary',
    syncPort: null,
    peerAddresses: ['/ip4/203.0.113.7/tcp/1', '/ip4/203.0.113.8/tcp/1'],
    fallsBack: true,
    isFallback: false,
    isRelay: true,
    peerWebPort: 7719,
    findsNeighbors: false,
    placesElsewhere: true,
    letsAgentsIn: true,
    takesTokensInAddresses: true,
    projectsFolder: '/c',
  });
  expect(readConfig({ MARKCO_PORT: '1', MARKCO_HOME: '/a' }, { port: 2, home: '/b', host: 'localhost' })).toMatchObject(
    { home: '/b', port: 2, host: 'localhost' },
  );
  expect(readConfig({})).toMatchObject({ isRelay: false, peerWebPort: null });
  expect(readConfig({}, { relay: true })).toMatchObject({ isRelay: true, peerWebPort: 7719 });
  expect(readConfig({ MARKCO_PEER_WEB_PORT: '0' })).toMatchObject({ isRelay: false, peerWebPort: 0 });
  expect(readConfig({ MARKCO_PUBLISH_ORIGIN: 'https://pages.example.com/' })).toMatchObject({
    publishOrigin: 'https://pages.example.com',
  });
  expect(Object.isFrozen(readConfig({}))).toBe(true);
});

test('accounts elsewhere that people sign in to a cloud with have a name for their button', () => {
  const { signInWith } = readConfig({
    ...{ MARKCO_GITHUB_ID: 'a', MARKCO_GITHUB_SECRET: 'b' },
    ...{ MARKCO_OIDC_ISSUER: 'https://id.example.com', MARKCO_OIDC_ID: 'c', MARKCO_OIDC_SECRET: 'd' },
  });
  expect(signInWith).toEqual([
    { id: 'github', name: 'GitHub', issuer: 'github', clientId: 'a', clientSecret: 'b' },
    { id: 'oidc', name: 'id.example.com', issuer: 'https://id.example.com', clientId: 'c', clientSecret: 'd' },
  ]);
});

test('the device beside a cloud stands in for others, unless its owner says otherwise', () => {
  expect(readConfig({}).isFallback).toBe(false);
  expect(readConfig({ MARKCO_FALLBACK: '1' }).isFallback).toBe(true);
  expect(readConfig({}, { fallback: true }).isFallback).toBe(true);
  expect(readConfig({ MARKCO_FALLBACK: '0' }, { fallback: true }).isFallback).toBe(false);
  expect(readConfig({ ENABLE_CLOUD_FALLBACK: '0' }).fallsBack).toBe(false);
});

test('containers are what the owner of the device says', () => {
  expect(readConfig({ MARKCO_CONTAINERS: '0' }).containers).toBeNull();
  expect(readConfig({ MARKCO_CONTAINERS: '1' }).containers).toMatchObject({
    socket: '/var/run/docker.sock',
    strict: true,
    network: null,
  });
  expect(readConfig({ MARKCO_CONTAINERS: '1', MARKCO_CONTAINER_IDLE_MINUTES: '15' }).sessionIdleMs).toBe(900_000);
  const own = { MARKCO_CONTAINERS: 'own', MARKCO_DOCKER: '/a/docker.sock', MARKCO_CONTAINER_PLAN: 'pro' };
  expect(readConfig(own).containers).toMatchObject({ socket: '/a/docker.sock', strict: false });
});

test.each([
  [{ MARKCO_PORT: 'x' }, 'MARKCO_PORT'],
  [{ MARKCO_SESSION_MEMORY_MB: '0' }, 'MARKCO_SESSION_MEMORY_MB'],
  [{ MARKCO_SESSION_CPUS: '0.00' }, 'MARKCO_SESSION_CPUS'],
  [{ MARKCO_PORT: '70000' }, '70000'],
  [{ MARKCO_PORT: '-1' }, 'MARKCO_PORT'],
  [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL'],
  [{ MARKCO_CONTAINERS: 'yes' }, 'MARKCO_CONTAINERS'],
  [{ MARKCO_DOCKER: 'localhost:2375' }, 'MARKCO_DOCKER'],
  [{ SYNC_MODE: 'other' }, 'SYNC_MODE'],
  [{ MARKCO_PUBLISH_ORIGIN: 'pages.example.com' }, 'MARKCO_PUBLISH_ORIGIN'],
  [{ MARKCO_PUBLISH_ORIGIN: 'https://example.com/pages' }, 'MARKCO_PUBLISH_ORIGIN'],
  [{ ENABLE_DEVICE_AGENT: 'yes' }, 'ENABLE_DEVICE_AGENT'],
  [{ MARKCO_REGISTRATION: 'closed' }, 'MARKCO_REGISTRATION'],
  [{ MARKCO_GITHUB_ID: 'id' }, 'MARKCO_GITHUB_SECRET'],
  [{ MARKCO_OIDC_ISSUER: 'https://id.example.com', MARKCO_OIDC_ID: 'id' }, 'MARKCO_OIDC_SECRET'],
  [{ MARKCO_OIDC_ISSUER: 'id.example.com' }, 'MARKCO_OIDC_ISSUER'],
])('%o is refused by its name', (environment, named) => {
  expect(() => readConfig(environment)).toThrow(
    expect.objectContaining({ code: 'bad_request', message: expect.stringContaining(named) }),
  );
});
