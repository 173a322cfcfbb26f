/** Devices that ask others to call them back, over real libp2p nodes. */
import { expect } from 'vitest';
import { DIAL_BACK } from './dial-back.ts';
import { pair, SOON, soon, states, test, type MeshDevice } from './mesh.fixture.ts';

/** As if every other device were in another network. */
const far = { isNear: () => false };
const portOf = ({ mesh }: MeshDevice): number => Number(/\/tcp\/(\d+)/.exec(mesh.host.listening()[0] ?? '')?.[1]);

/** What it answers, or why it ended the stream. */
async function ask(from: MeshDevice, to: MeshDevice, question: unknown): Promise<unknown> {
  const stream = await from.mesh.host.open(to.mesh.host.peerId, DIAL_BACK, soon());
  return new Promise((resolve) => {
    stream.onMessage((message) => resolve(JSON.parse(String(message))));
    stream.onClose((why) => resolve(why === null ? 'ended' : 'refused'));
    stream.sendText(JSON.stringify(question));
  });
}

test('a device that has called another from elsewhere hears whether it is reached at its own port', async ({
  make,
}) => {
  const [box, laptop] = [await make('box'), await make('laptop', far)];
  await pair(box, laptop);
  await expect
    .poll(() => laptop.mesh.dialBack.list(), SOON)
    .toEqual([{ by: box.deviceId, address: `/ip4/127.0.0.1/tcp/${portOf(laptop)}`, why: null }]);
  // The one that was called sees nobody call it from elsewhere, and asks nobody.
  expect(box.mesh.dialBack.list()).toEqual([]);
  // Nobody is told of an address that leads to the own machine, wherever it is told.
  expect(laptop.mesh.host.addresses()).toHaveLength(1);
});

test('who is on the same network is not asked, and who listens nowhere asks nobody', async ({ make }) => {
  const box = await make('box');
  const [near, nowhere] = [await make('near'), await make('nowhere', { ...far, listen: [] })];
  await pair(box, near);
  await pair(box, nowhere);
  for (const each of [near, nowhere]) {
    await expect.poll(() => states(each)['box'], SOON).toBe('connected');
    expect(each.mesh.dialBack.list()).toEqual([]);
  }
});

test('nobody is called but who asks, at the address it called from, at no port of the system, and seldom', async ({
  make,
}) => {
  const [box, laptop, other] = [await make('box'), await make('laptop'), await make('other')];
  await pair(box, laptop);
  for (const question of [
    { port: 22 },
    { port: 70_000 },
    { port: '7718' },
    { address: '/ip4/127.0.0.1/tcp/7718' },
    'x',
  ])
    expect([question, await ask(laptop, box, question)]).toEqual([question, 'refused']);
  // Another device listens there, and is not taken for the one that asks; an address that is sent along is not looked at.
  const address = '/ip4/203.0.113.7/tcp/7718';
  expect(await ask(laptop, box, { port: portOf(other), address })).toEqual({
    address: `/ip4/127.0.0.1/tcp/${portOf(other)}`,
    why: 'another device answers there',
  });
  expect(await ask(laptop, box, { port: portOf(laptop) })).toEqual({ why: 'you ask too often' });
  // It was called, and has not called.
  expect(await ask(box, laptop, { port: portOf(box) })).toEqual({ why: 'you have not called this device directly' });
  expect(states(laptop)).toEqual({ box: 'connected' });
  expect(laptop.mesh.host.paths(box.mesh.host.peerId)).toHaveLength(1);
});
