/** Connections that do nothing: what each of them costs the server. */
import { residentMb } from '../machine.ts';
import type { Address } from '../servers/server.ts';
import { delay } from '../wait.ts';
import { connect, type Wire } from './wire.ts';

const AT_ONCE = 50;
const SETTLE_MS = 4_000;

export type Idle = { readonly none: number; readonly open: number };

/** Resident memory, MB: with nothing open, and with so many connections spread over the documents, each answered. */
export async function idle(input: {
  readonly addresses: readonly Address[];
  readonly connections: number;
  readonly pid: number;
}): Promise<Idle> {
  const [first] = input.addresses;
  if (first === undefined) throw new Error('no document');
  // What is made for the first one is not counted for the others.
  const warm = connect(first);
  await warm.answered;
  await warm.cut();
  await delay(SETTLE_MS);
  const none = await residentMb(input.pid);
  const wires: Wire[] = [];
  while (wires.length < input.connections) {
    const group = Array.from({ length: Math.min(AT_ONCE, input.connections - wires.length) }, (_, at) =>
      connect(input.addresses[(wires.length + at) % input.addresses.length] ?? first),
    );
    await Promise.all(group.map(({ answered }) => answered));
    wires.push(...group);
  }
  await delay(SETTLE_MS);
  const open = await residentMb(input.pid);
  await Promise.all(wires.map((wire) => wire.cut()));
  return { none, open };
}
