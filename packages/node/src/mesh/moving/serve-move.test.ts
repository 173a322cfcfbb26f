/** T12, T15: which device may move a session, and that one that breaks off leaves everything as it was. */
import { createHash, generateKeyPairSync } from 'node:crypto';
import {
  newId,
  type DeviceId,
  type Failure,
  type Language,
  type ProjectId,
  type RuntimeSession,
  type SessionId,
  type UserId,
} from '@markco/protocol';
import {
  appendEntry,
  capsOf,
  DEVICE_CAPS,
  issueCertificate,
  membersOfLog,
  openCertificate,
  signerOf,
  startUserLog,
  type DeviceCap,
} from '@markco/protocol/identity';
import { expect, test } from 'vitest';
import { ids } from '../../runs/runs.fixture.ts';
import type { Packed } from '../../runtimes/session-moves.ts';
import { streamPair } from '../record/stream.fixture.ts';
import type { Trust } from '../trust.ts';
import { createAsking } from './conversation.ts';
import { createServeMove } from './serve-move.ts';
import { grantValues } from './grant-values.ts';

const seed = (): Uint8Array =>
  new Uint8Array(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(-32));
function must<T>(made: T | Failure): Exclude<T, Failure> {
  if (made instanceof Error) throw made;
  return made as Exclude<T, Failure>;
}

const SOON = AbortSignal.timeout(30_000);
const VALUES = new TextEncoder().encode('the values of a session');
const packed: Packed = {
  ...{ projectId: newId<ProjectId>(ids), language: 'python' as Language, name: 'default', config: null },
  ...{ bytes: VALUES.length, hash: createHash('sha256').update(VALUES).digest('hex'), kept: 1, lost: [], lostCount: 0 },
};

/** A device with sessions, and another one of the user with these caps that moves them. */
function setUp({ caps = DEVICE_CAPS, allowed = true }: { caps?: readonly DeviceCap[]; allowed?: boolean } = {}) {
  const root = signerOf(seed());
  const [asks, host] = [newId<DeviceId>(ids), newId<DeviceId>(ids)];
  const keys = new Map([asks, host].map((device) => [device, signerOf(seed())] as const));
  let log = must(startUserLog(newId<UserId>(ids), root));
  for (const [device, { publicKey: key }] of keys) {
    const entry = { type: 'addDevice', device, key, name: 'one', kind: 'desktop' } as const;
    ({ log } = must(
      appendEntry(log, 'root', root, { ...entry, caps: capsOf(...(device === asks ? caps : DEVICE_CAPS)) }),
    ));
  }
  const members = membersOfLog(log);
  const certificate = must(openCertificate(must(issueCertificate(members, asks, 'root', root, ids.now()))));
  const trust = { members, now: ids.now, deviceId: asks, signer: keys.get(asks) } as unknown as Trust;
  const did: string[] = [];
  const note = (what: string) => async (): Promise<void> => void did.push(what);
  const serve = createServeMove({
    ...{ trust, device: { id: host, name: 'box' }, peers: { certificateOf: () => certificate } },
    policy: async () => ({ allowRemoteExecution: allowed, maxConcurrentRuns: 1 }) as never,
    here: {
      async leave() {
        did.push('leave');
        const parts = async function* () {
          yield VALUES;
        };
        return { packed, parts, left: note('left'), stay: note('stay') };
      },
      async come(_packed, parts) {
        const came: Uint8Array[] = [];
        for await (const part of parts) came.push(part);
        did.push(`come ${Buffer.concat(came).toString()}`);
        const session = { ...packed, id: newId<SessionId>(ids) } as unknown as RuntimeSession;
        return { session, keep: note('keep'), undo: note('undo') };
      },
    },
    onMoved: (event) => void did.push(event),
    onTrouble: (_doing, cause) => void did.push(String(cause)),
  });
  const [mine, theirs] = streamPair();
  serve(theirs, asks);
  const { ask, close } = createAsking(mine);
  const take = { op: 'take', packed, source: 'laptop', replace: false };
  const grant = grantValues({ packed, host, ids, trust });
  return { ask: (said: object) => ask(said, SOON), close, did, take, grant };
}
const leave = { op: 'leave', session: newId<SessionId>(ids), wait: false };
const refused = { code: 'forbidden' };

test('who may not submit, or asks where the owner lets nothing run, moves nothing', async () => {
  for (const way of [{ caps: ['sync', 'author'] as const }, { allowed: false }]) {
    const { ask, did, take, grant } = setUp(way);
    for (const said of [leave, { ...take, grant }, VALUES, { op: 'left' }, { op: 'keep' }])
      await expect(ask(said)).rejects.toMatchObject(refused);
    expect(did).toEqual([]);
  }
});

test('what comes needs a grant for these values, of this session, for this device', async () => {
  const { ask, did, take, grant } = setUp();
  const others = { ...packed, hash: '0'.repeat(64) };
  for (const wrong of [
    { ...take, grant: '' },
    { ...take, grant, packed: others },
    { ...take, grant, packed: { ...packed, name: 'other' } },
    { ...take, grant: setUp().grant },
  ])
    await expect(ask(wrong)).rejects.toMatchObject({
      code: expect.stringMatching(/forbidden|bad_request|unauthorized/),
    });
  expect(did).toEqual([]);
});

test('a session that leaves stays when the other device breaks off before it says that it has left', async () => {
  const { ask, did, close } = setUp();
  expect(await ask(leave)).toEqual(packed);
  expect(await ask({ op: 'part' })).toEqual(VALUES);
  close();
  await expect.poll(() => did).toEqual(['leave', 'stay']);

  const whole = setUp();
  await whole.ask(leave);
  await whole.ask({ op: 'left' });
  whole.close();
  await expect.poll(() => whole.did).toEqual(['leave', 'left', 'session.left']);
});

test('one that has come goes again when the other device breaks off before it is kept', async () => {
  const { ask, did, close, take, grant } = setUp();
  await ask({ ...take, grant });
  expect(await ask(VALUES.slice(0, 5))).toEqual({ op: 'ready' });
  expect(await ask(VALUES.slice(5))).toMatchObject({ op: 'taken', session: { projectId: packed.projectId } });
  close();
  await expect.poll(() => did).toEqual(['come the values of a session', 'undo']);

  const whole = setUp();
  await whole.ask({ ...whole.take, grant: whole.grant });
  await whole.ask(VALUES);
  await whole.ask({ op: 'keep' });
  whole.close();
  await expect.poll(() => whole.did).toEqual(['come the values of a session', 'keep', 'session.arrived']);
});

test('what is no message, or out of turn, is refused and changes nothing', async () => {
  const { ask, did } = setUp();
  for (const said of [{ op: 'part' }, { op: 'left' }, { op: 'keep' }, VALUES, { op: 'run' }, { ...leave, more: 1 }])
    await expect(ask(said)).rejects.toMatchObject({ code: 'bad_request' });
  expect(did).toEqual([]);
});
