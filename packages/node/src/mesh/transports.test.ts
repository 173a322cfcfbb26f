/** What is tried again, and what is not. */
import { TimeoutError, type Transport } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { expect, test } from 'vitest';
import { insistent } from './transports.ts';

type Dial = Transport['dial'];

/** Fails so each time, then connects. */
function failing(errors: readonly Error[]) {
  const left = [...errors];
  const facts = { dials: 0 };
  const dial = async () => {
    facts.dials++;
    const error = left.shift();
    if (error !== undefined) throw error;
    return 'connected';
  };
  return { facts, transport: insistent({ dial: dial as unknown as Dial } as Transport) };
}

const ADDRESS = multiaddr('/ip4/192.168.1.9/tcp/7718');
const using = (signal: AbortSignal): Parameters<Dial>[1] => ({ signal }) as Parameters<Dial>[1];

test('a machine that does not answer is asked anew until it does, one that refuses is not, nor when nobody waits any more', async () => {
  const forever = new AbortController().signal;
  const silent = failing([new TimeoutError(), new TimeoutError()]);
  expect(await silent.transport.dial(ADDRESS, using(forever))).toBe('connected');
  expect(silent.facts.dials).toBe(3);
  const refused = failing([new TimeoutError(), new Error('connect ECONNREFUSED')]);
  await expect(refused.transport.dial(ADDRESS, using(forever))).rejects.toThrow('ECONNREFUSED');
  const given = failing([new TimeoutError()]);
  await expect(given.transport.dial(ADDRESS, using(AbortSignal.abort()))).rejects.toThrow(TimeoutError);
});
