/** Which of the ways to a device are tried, in which order, and which of them stays. */
import type { Connection } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { expect, test, vi } from 'vitest';
import { createDialer } from './dial.ts';

const RELAY = '12D3KooWQHb6XWPLPqRqSSHrf2MALxyDcWVmcdohLN5kkHEqJvDL';
const PEER = '12D3KooWA9Q4fttxLXmKdSisZwhzk6i31mD725TXTdTs3sppsT3B';
const LAN = '/ip4/192.168.1.9/tcp/7718';
const AWAY = '/ip4/10.9.9.9/tcp/7718';
const WEB = '/ip4/192.168.1.9/tcp/7719/ws';
const RELAYED = `/ip4/203.0.113.7/tcp/7718/p2p/${RELAY}/p2p-circuit`;

/** A network in which an address answers after so many milliseconds, or never. */
function network(answers: Readonly<Record<string, number>>) {
  const open: (Connection & { peer: string })[] = [];
  const asked: string[] = [];
  const dialer = createDialer({
    elapsed: () => performance.now(),
    // Of the clock on the wall, whatever else is pretended.
    addressMs: 100,
    open: (peerId) => open.filter(({ peer }) => peer === peerId),
    dial(address, signal) {
      asked.push(address);
      const peer = /\/p2p\/([^/]+)$/.exec(address)?.[1] ?? '';
      const after = answers[address.replace(/\/p2p\/[^/]+$/, '')];
      return new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('aborted')));
        if (after === -1) reject(Object.assign(new Error('no'), { code: 'ECONNREFUSED' }));
        else if (after !== undefined)
          setTimeout(() => {
            if (signal.aborted) return;
            const id = `${open.length}`;
            const made = { id, peer, direction: 'outbound', remoteAddr: multiaddr(address) };
            const close = async () =>
              void open.splice(
                open.findIndex((one) => one.id === id),
                1,
              );
            const connection = { ...made, close } as unknown as Connection & { peer: string };
            open.push(connection);
            resolve(connection);
          }, after);
      });
    },
  });
  const used = (): string[] => open.filter(({ peer }) => peer === PEER).map(({ remoteAddr }) => remoteAddr.toString());
  return { dialer, asked, used };
}

const forever = new AbortController().signal;

test('a device on the same network is not reached through a relay; one that is not is, while its addresses are silent', async () => {
  vi.useFakeTimers();
  try {
    const near = network({ [LAN]: 10, [RELAYED]: 10, [`/p2p/${RELAY}/p2p-circuit`]: 10 });
    const { first, all } = near.dialer.dial(PEER, [RELAYED, WEB, AWAY, LAN], forever);
    await vi.advanceTimersByTimeAsync(10);
    await first;
    const tries = await all;
    expect(near.used()).toEqual([`${LAN}/p2p/${PEER}`]);
    expect(near.asked.some((address) => address.includes(RELAY))).toBe(false);
    expect(Object.fromEntries(tries.map(({ kind, why }) => [kind, why]))).toMatchObject({ relayed: 'not needed' });

    const far = network({ [WEB]: -1, [`/p2p/${RELAY}/p2p-circuit`]: 10, '/ip4/203.0.113.7/tcp/7718': 5 });
    const dialing = far.dialer.dial(PEER, [RELAYED, WEB, AWAY], forever);
    await vi.advanceTimersByTimeAsync(200);
    await dialing.first;
    expect(far.used()).toEqual([`/p2p/${RELAY}/p2p-circuit/p2p/${PEER}`]);
    await vi.advanceTimersByTimeAsync(6_000);
    expect(Object.fromEntries((await dialing.all).map(({ kind, why }) => [kind, why]))).toEqual({
      ...{ tcp: 'no answer', websocket: 'nothing listens there', relayed: null },
    });
  } finally {
    vi.useRealTimers();
  }
});

test('what is heard of later is tried at once, and a better way that comes up later is kept beside the first', async () => {
  vi.useFakeTimers();
  try {
    const { dialer, used } = network({ [`/p2p/${RELAY}/p2p-circuit`]: 10, [LAN]: 10 });
    const silent = dialer.dial(PEER, [AWAY], forever);
    await vi.advanceTimersByTimeAsync(1_000);
    const relayed = dialer.dial(PEER, [AWAY, `/p2p/${RELAY}/p2p-circuit`], forever);
    await vi.advanceTimersByTimeAsync(200);
    await relayed.first;
    const better = dialer.dial(PEER, [LAN, `/p2p/${RELAY}/p2p-circuit`], forever, 3);
    await vi.advanceTimersByTimeAsync(10);
    expect((await better.all).map(({ kind }) => kind)).toEqual(['tcp']);
    expect(used()).toEqual([`/p2p/${RELAY}/p2p-circuit/p2p/${PEER}`, `${LAN}/p2p/${PEER}`]);
    expect(await silent.all).toMatchObject([{ why: 'not needed' }]);
  } finally {
    vi.useRealTimers();
  }
});

test('a relay is asked once, wherever it is said to be, and none that answers is told with every reason', async () => {
  vi.useFakeTimers();
  try {
    const { dialer, asked } = network({ [LAN]: -1, '/ip4/203.0.113.7/tcp/7718': -1 });
    const other = RELAYED.replace('7718', '7719');
    const { first } = dialer.dial(PEER, [RELAYED, other, LAN], forever);
    const failed = expect(first).rejects.toThrow();
    await vi.advanceTimersByTimeAsync(10_000);
    await failed;
    expect(asked.filter((address) => address.includes('p2p-circuit'))).toEqual([]);
    const tries = await dialer.probe(PEER, [LAN], forever);
    expect(tries).toMatchObject([{ kind: 'tcp', why: 'nothing listens there' }]);
  } finally {
    vi.useRealTimers();
  }
});
