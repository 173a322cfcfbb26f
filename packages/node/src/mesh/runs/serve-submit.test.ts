/** T12, T15: what another device asks to be run here is run by its grant, or not at all. */
import { generateKeyPairSync } from 'node:crypto';
import {
  Failure,
  newId,
  type Device,
  type DeviceId,
  type ProjectId,
  type Run,
  type RunId,
  type RunRequest,
  type RuntimeSession,
  type SessionId,
  type UserId,
} from '@markco/protocol';
import {
  appendEntry,
  capsOf,
  codeHashOf,
  DEVICE_CAPS,
  issueCertificate,
  membersOfLog,
  openCertificate,
  restHashOf,
  sealGrant,
  signerOf,
  signWaitingGrant,
  startUserLog,
  WAITING_GRANT_LIFETIME_MS,
  type DeviceCap,
  type RunGrant,
} from '@markco/protocol/identity';
import { expect, test } from 'vitest';
import { ids } from '../../runs/runs.fixture.ts';
import { createServeSubmit, type ServeSubmitParts } from './serve-submit.ts';

const seed = (): Uint8Array =>
  new Uint8Array(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(-32));

function must<T>(made: T | Failure): T {
  if (made instanceof Failure) throw made;
  return made;
}

/** A user with a host and a submitter that may do this. */
function setUp(caps: readonly DeviceCap[] = DEVICE_CAPS) {
  const root = signerOf(seed());
  const [host, submitter] = [newId<DeviceId>(ids), newId<DeviceId>(ids)];
  const keys = { host: signerOf(seed()), submitter: signerOf(seed()) };
  let log = must(startUserLog(newId<UserId>(ids), root));
  for (const [device, key, its] of [
    [host, keys.host, DEVICE_CAPS],
    [submitter, keys.submitter, caps],
  ] as const)
    log = must(
      appendEntry(log, 'root', root, {
        type: 'addDevice',
        device,
        key: key.publicKey,
        name: device === host ? 'box' : 'laptop',
        kind: 'desktop',
        caps: capsOf(...its),
      }),
    ).log;
  const members = membersOfLog(log);
  const shown = must(issueCertificate(members, submitter, 'root', root, ids.now()));
  const certificate = must(openCertificate(shown));
  const started: RunRequest[] = [];
  const known = new Map<RunId, Run>();
  const project = newId<ProjectId>(ids);
  const sessions = new Map<SessionId, RuntimeSession>();
  const parts = {
    trust: { members, now: ids.now },
    peers: { certificateOf: (device: DeviceId) => (device === submitter ? certificate : undefined) },
    device: { id: host, name: 'box' } as Device,
    runs: {
      get: async (id: RunId) => known.get(id) ?? null,
      sessions: { get: (id: SessionId) => sessions.get(id) ?? null },
    },
    policy: async () => ({
      allowRemoteExecution: true,
      allowHeavyJobs: true,
      allowWhenOnBattery: true,
      maxConcurrentRuns: 4,
    }),
    async submitHere(request: RunRequest) {
      started.push(request);
      const run = { id: request.id, code: request.code } as Run;
      if (request.id !== undefined) known.set(request.id, run);
      return run;
    },
    arrive: async () => undefined,
  };
  const request = (changes: Partial<RunRequest> = {}, grantChanges: Partial<RunGrant> = {}): RunRequest => {
    const id = newId<RunId>(ids);
    const code = '1 + 1';
    const grant: RunGrant = {
      submitter,
      host,
      run: id,
      project,
      session: 'default',
      code: codeHashOf(code),
      language: 'python',
      expiresAt: ids.now() + 60_000,
      nonce: new Uint8Array(16),
      epoch: members.epoch,
      fence: 1,
      ...grantChanges,
    };
    const sealed = Buffer.from(sealGrant(grant, keys.submitter)).toString('base64');
    return { id, projectId: project, language: 'python', code, grant: sealed, ...changes };
  };
  /** As a browser asks for it while its host is away. */
  async function waiting(on = host): Promise<RunRequest> {
    const { id, grant: _, ...asked } = { ...request(), cellId: 'c', id: newId<RunId>(ids) };
    const grant = {
      ...{
        submitter,
        host: on,
        run: id,
        project,
        session: 'default',
        code: codeHashOf(asked.code),
        epoch: 0,
        fence: 0,
      },
      ...{ language: 'python' as const, nonce: new Uint8Array(16), rest: restHashOf(asked) },
      expiresAt: ids.now() + WAITING_GRANT_LIFETIME_MS,
    };
    const sealed = await signWaitingGrant(grant, async (message) => keys.submitter.sign(message));
    const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
    return { ...asked, id, grant: base64(sealed), certificate: base64(shown) };
  }
  function session(name: string): SessionId {
    const id = newId<SessionId>(ids);
    sessions.set(id, { projectId: project, language: 'python', sessionAffinityKey: `notes:${name}` } as RuntimeSession);
    return id;
  }
  const serve = createServeSubmit(parts as unknown as ServeSubmitParts);
  return { parts, serve, request, waiting, started, submitter, host, project, session };
}

test('a run with its grant is started once, however often it is asked for', async () => {
  const { serve, request, started, submitter, host } = setUp();
  const asked = request({ language: 'py' });
  await serve(submitter, asked);
  await serve(submitter, asked);
  expect(started).toMatchObject([{ id: asked.id, runOn: host }]);
  expect(started[0]).not.toHaveProperty('grant');
});

test('a run that waited is started once by who only kept it, for the cell that it was asked for in', async () => {
  const { serve, waiting, started, host } = setUp();
  const keeper = newId<DeviceId>(ids);
  const asked = await waiting();
  await serve(keeper, asked);
  await serve(keeper, asked);
  expect(started).toMatchObject([{ id: asked.id, runOn: host, cellId: 'c' }]);
  expect(Object.keys(started[0] ?? {})).not.toEqual(expect.arrayContaining(['certificate']));
  for (const changes of [
    { cellId: 'other' },
    { code: 'import os' },
    { id: newId<RunId>(ids) },
    { certificate: 'AAAA' },
  ])
    await expect(serve(keeper, { ...(await waiting()), ...changes })).rejects.toBeInstanceOf(Failure);
  await expect(serve(keeper, await waiting(newId<DeviceId>(ids)))).rejects.toMatchObject({ code: 'forbidden' });
  const reader = setUp(['sync', 'author']);
  await expect(reader.serve(keeper, await reader.waiting())).rejects.toMatchObject({ code: 'forbidden' });
  expect([started.length, reader.started]).toEqual([1, []]);
});

test('a session beside the one that pages use is the one that the grant is for, or nothing is started', async () => {
  const { serve, request, started, submitter, project, session } = setUp();
  const [side, other] = [session('side'), session('other')];
  const granted = { session: `${project}/python/side` };
  await serve(submitter, request({ sessionId: side }, granted));
  expect(started).toMatchObject([{ sessionId: side }]);
  await expect(serve(submitter, request({ sessionId: other }, granted))).rejects.toMatchObject({ code: 'forbidden' });
  const gone = request({ sessionId: newId<SessionId>(ids) }, granted);
  await expect(serve(submitter, gone)).rejects.toMatchObject({ code: 'not_found' });
  expect(started).toHaveLength(1);
});

test.for([
  ['no grant', { grant: undefined }, {}],
  ['bytes that are no grant', { grant: 'AAAA' }, {}],
  ['other code', { code: 'import os' }, {}],
  ['another run', { id: newId<RunId>(ids) }, {}],
  ['another project', { projectId: newId<ProjectId>(ids) }, {}],
  ['another language', { language: 'bash' }, {}],
  ['a session beside it', { sessionId: newId<DeviceId>(ids) as never }, {}],
  ['another host', {}, { host: newId<DeviceId>(ids) }],
  ['another submitter', {}, { submitter: newId<DeviceId>(ids) }],
  ['a grant that ran out', {}, { expiresAt: ids.now() - 120_000 }],
  ['a grant of the far future', {}, { expiresAt: ids.now() + 3_600_000 }],
] as const)('refused, and nothing is started: %s', async ([, changes, grantChanges]) => {
  const { serve, request, started, submitter } = setUp();
  await expect(serve(submitter, request(changes as Partial<RunRequest>, grantChanges))).rejects.toBeInstanceOf(Failure);
  expect(started).toEqual([]);
});

test('refused: a device that said no hello, one that may not ask for runs, and an owner who lets nobody', async () => {
  const usual = setUp();
  await expect(usual.serve(newId<DeviceId>(ids), usual.request())).rejects.toMatchObject({ code: 'forbidden' });
  const reader = setUp(['sync', 'author']);
  await expect(reader.serve(reader.submitter, reader.request())).rejects.toMatchObject({ code: 'forbidden' });
  const closed = setUp();
  const serve = createServeSubmit({
    ...closed.parts,
    policy: async () => ({ ...(await closed.parts.policy()), allowRemoteExecution: false }),
  } as unknown as ServeSubmitParts);
  await expect(serve(closed.submitter, closed.request())).rejects.toMatchObject({ code: 'forbidden' });
  expect([usual.started, reader.started, closed.started]).toEqual([[], [], []]);
});
