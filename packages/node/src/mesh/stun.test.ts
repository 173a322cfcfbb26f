/** Telling who asks by which address it is seen, by the bytes of RFC 8489 and RFC 5769. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { stunServersOf } from '@markco/client/mesh/stun-servers';
import { answerStun, PER_SECOND_MAX, serveStun } from './stun.ts';

const TRANSACTION = 'b7e7a701bc34d686fa87dfae';
const request = (change: (bytes: Buffer) => void = () => undefined): Buffer => {
  const bytes = Buffer.from(`00010000 2112a442 ${TRANSACTION}`.replaceAll(' ', ''), 'hex');
  change(bytes);
  return bytes;
};
const from = { address: '192.0.2.1', port: 32_853, family: 'IPv4' as const };

test('a binding request is answered with the address it came from, as in the examples of RFC 5769', () => {
  const answer = answerStun(request(), from);
  // XOR-MAPPED-ADDRESS of its section 2.2, for the same address and transaction.
  expect(answer?.toString('hex')).toBe(`0101000c2112a442${TRANSACTION}002000080001a147e112a643`);
});

test('what is no binding request gets no answer', () => {
  for (const [what, bytes] of Object.entries({
    empty: Buffer.alloc(0),
    short: request().subarray(0, 19),
    indication: request((one) => one.writeUInt16BE(0x0011, 0)),
    answer: request((one) => one.writeUInt16BE(0x0101, 0)),
    old: request((one) => one.writeUInt32BE(1, 4)),
    cut: request((one) => one.writeUInt16BE(8, 2)),
    long: Buffer.concat([request((one) => one.writeUInt16BE(600, 2)), Buffer.alloc(600)]),
  }))
    expect([what, answerStun(bytes, from)]).toEqual([what, null]);
  expect(answerStun(request(), { ...from, address: '::1' })).toBeNull();
});

test('an address gets so many answers a second and no more, and a taken port is told and no reason to stop', async () => {
  const troubles: string[] = [];
  const host = { addresses: () => [`/ip4/127.0.0.1/tcp/${free}/p2p/Peer`] };
  const taken = createSocket('udp4');
  await new Promise<void>((resolve) => taken.bind(0, resolve));
  const free = taken.address().port;
  expect(await serveStun(host, (doing) => troubles.push(doing))).toBeNull();
  expect(troubles).toHaveLength(1);
  await new Promise<void>((resolve) => taken.close(() => resolve()));
  const stun = await serveStun(host, (doing) => troubles.push(doing));
  const client = createSocket('udp4');
  try {
    let answers = 0;
    client.on('message', () => answers++);
    await new Promise<void>((resolve) => client.bind(0, '127.0.0.1', resolve));
    for (let count = 0; count < 2 * PER_SECOND_MAX; count++) client.send(request(), free, '127.0.0.1');
    await expect.poll(() => answers).toBe(PER_SECOND_MAX);
    // The next second has begun when one is answered again; no more than its share has been by then.
    const next = once(client, 'message');
    const again = setInterval(() => client.send(request(), free, '127.0.0.1'), 100);
    await next;
    clearInterval(again);
    expect(answers).toBe(PER_SECOND_MAX + 1);
  } finally {
    client.close();
    stun?.close();
  }
});

test('relays that are connected are asked, where they are connected', () => {
  const path = { isRelayed: false, isOutgoing: true, since: 0, roundTripMs: null };
  const relay = {
    ...{ isRelay: true, state: 'connected' as const, addresses: ['/ip4/203.0.113.7/tcp/7719/ws'] },
    paths: [{ ...path, address: '/ip4/203.0.113.7/tcp/7718/p2p/Relay' }],
  };
  expect(stunServersOf([relay, { ...relay, isRelay: false }])).toEqual(['stun:203.0.113.7:7718']);
  const named = {
    ...relay,
    paths: [],
    addresses: ['/dns4/cloud.example.com/tcp/7718', '/dns4/cloud.example.com/tcp/443/tls/ws'],
  };
  expect(stunServersOf([named])).toEqual(['stun:cloud.example.com:7718']);
  expect(stunServersOf([{ ...relay, state: 'offline' }])).toEqual([]);
});
