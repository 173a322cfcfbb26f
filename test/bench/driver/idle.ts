/** Connections that do nothing: what each of them costs the server. */
import { residentMb } from '../machine.ts';
import type { Address } from '../servers/server.ts';
import { delay } from '../wait.ts';
import { connect, type Wire } from './wire.ts';

const AT_ONCE = 50;
/** Long enough to give back what letting so many in took. */
const SETTLE_MS = 6_000;

export type Idle = { readonly none: number; readonly first: number; readonly all: number };

/**
 * Resident memory, MB, with no connection, with the first of so many and with all of them, spread over the documents, each
 * answered. The first ones take with them what starting left behind, so that the others are seen to cost what they cost.
 */
export async function idle(input: {
  readonly addresses: readonly Address[];
  readonly first: number;
  readonly connections: number;
  readonly pid: number;
}): Promise<Idle> {
  const { addresses } = input;
  const wires: Wire[] = [];
  const open = async (count: number): Promise<number> => {
    while (wires.length < count) {
      const group = Array.from({ length: Math.min(AT_ONCE, count - wires.length) }, (_, at) => {
        const address = addresses[(wires.length + at) % addresses.length];
        if (address === undefined) throw new Error('no document');
        return connect(address);
      });
      await Promise.all(group.map(({ answered }) => answered));
      wires.push(...group);
    }
    await delay(SETTLE_MS);
    return residentMb(input.pid);
  };
  const none = await residentMb(input.pid);
  const first = await open(input.first);
  const all = await open(input.connections);
  await Promise.all(wires.map((wire) => wire.cut()));
  return { none, first, all };
}
