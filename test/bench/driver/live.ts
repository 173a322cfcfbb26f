/** Jobs with clients that stay connected: latency, throughput, fan-out. */
import * as Y from 'yjs';
import { cpuMs } from '../machine.ts';
import { quantile } from '../quantile.ts';
import type { Address } from '../servers/server.ts';
import { delay, within } from '../wait.ts';
import { typedLetters } from './typing.ts';
import { clockAfterLetters, connect, type Wire } from './wire.ts';

const CLIENT = 7;
const LIMIT_MS = 120_000;
/** Work that a server does after the last delivery belongs to the updates too. */
const SETTLE_MS = 1_500;

type Latency = { readonly seen: readonly number[]; readonly saved: readonly number[] };

/** One types at a person's pace, another looks on, both with a whole Yjs document. Milliseconds. */
export async function latency({
  address,
  edits,
  settleMs = 100,
}: {
  readonly address: Address;
  readonly edits: number;
  /** What is on its way arrives in so long. */
  readonly settleMs?: number;
}): Promise<Latency> {
  const seen: number[] = [];
  const saved: number[] = [];
  const sentAt: number[] = [];
  let acknowledged = 0;
  /** What a client without edits answers to the server's question is acknowledged too. */
  let before = 0;
  let arrived = Promise.withResolvers<void>();
  const [mine, theirs] = [new Y.Doc(), new Y.Doc()];
  const reader = connect(address, {
    onUpdate(update) {
      Y.applyUpdate(theirs, update);
      seen.push(performance.now() - (sentAt.at(-1) ?? 0));
      arrived.resolve();
    },
  });
  const writer = connect(address, {
    onSaved(count) {
      acknowledged = count;
      while (saved.length < count - before && saved.length < sentAt.length)
        saved.push(performance.now() - (sentAt[saved.length] ?? 0));
    },
  });
  await Promise.all([reader.answered, writer.answered]);
  await delay(settleMs);
  before = acknowledged;
  mine.on('update', (update: Uint8Array) => writer.sendUpdate(update));
  for (let edit = 0; edit < edits; edit++) {
    arrived = Promise.withResolvers<void>();
    sentAt.push(performance.now());
    mine.getText('content').insert(edit, 'x');
    await within('an edit arriving', 10_000, arrived.promise);
    await delay(4 + (edit % 7));
  }
  await delay(settleMs);
  await Promise.all([reader.cut(), writer.cut()]);
  return { seen, saved };
}

/** The same in several documents at once, over a way that takes its time. */
export async function latencies(input: {
  readonly addresses: readonly Address[];
  readonly edits: number;
  readonly settleMs: number;
}): Promise<Latency> {
  const all = await Promise.all(input.addresses.map((address) => latency({ ...input, address })));
  return { seen: all.flatMap(({ seen }) => seen), saved: all.flatMap(({ saved }) => saved) };
}

type Throughput = { readonly perSecond: number; readonly p95Ms: number; readonly cpuUs: number };

/** A writer and a reader in each document, as fast as it goes with `window` edits of each on their way. */
export async function throughput(input: {
  readonly addresses: readonly Address[];
  /** Where the readers come to, document by document, where that is not where its writer does. */
  readonly readAt?: readonly Address[];
  /** Of each document. */
  readonly edits: number;
  /** What arrives in so many seconds counts, where it is not all that does: there have to be enough edits then. */
  readonly seconds?: number;
  readonly window: number;
  readonly pid: number;
}): Promise<Throughput> {
  const updates = typedLetters(CLIENT, input.edits);
  const delays: number[] = [];
  const done = Promise.withResolvers<void>();
  let open = input.addresses.length;
  let arrived = 0;
  let isOver = false;
  const pairs = input.addresses.map((address, index) => {
    const sentAt = new Float64Array(input.edits + 1);
    let sent = 0;
    let seen = 0;
    const writer = connect(address);
    const reader = connect(input.readAt?.[index] ?? address, {
      onUpdate(update) {
        const clock = clockAfterLetters(update);
        const now = performance.now();
        arrived += clock - seen;
        for (; seen < clock; seen++) if (seen % 8 === 0) delays.push(now - (sentAt[seen] ?? 0));
        if (seen === input.edits && --open === 0) done.resolve();
        send();
      },
    });
    function send(): void {
      const now = performance.now();
      for (; !isOver && sent < input.edits && sent - seen < input.window; sent++) {
        sentAt[sent] = now;
        const update = updates[sent];
        if (update !== undefined) writer.sendUpdate(update);
      }
    }
    return { writer, reader, send };
  });
  await Promise.all(pairs.flatMap(({ writer, reader }) => [writer.answered, reader.answered]));
  await delay(300);
  const cpuBefore = await cpuMs(input.pid);
  const began = performance.now();
  for (const { send } of pairs) send();
  if (input.seconds === undefined) await within('the last edit arriving', LIMIT_MS, done.promise);
  else await delay(input.seconds * 1_000);
  const seconds = (performance.now() - began) / 1_000;
  const total = arrived;
  isOver = true;
  const hasRunOut = input.seconds !== undefined && open < input.addresses.length;
  await delay(SETTLE_MS);
  const cpuUs = (((await cpuMs(input.pid)) - cpuBefore) * 1_000) / total;
  await Promise.all(pairs.flatMap(({ writer, reader }) => [writer.cut(), reader.cut()]));
  if (hasRunOut) throw new Error(`${input.edits} edits were not enough for ${input.seconds} seconds`);
  return { perSecond: total / seconds, p95Ms: quantile(delays, 0.95), cpuUs };
}

export type FanOut = { readonly deliveriesPerSecond: number; readonly p95Ms: number; readonly cpuUs: number };

/** One writes, many read. Deliveries are counted by the writer's clock, so a merged frame counts for all in it. */
export async function fanOut(input: {
  readonly address: Address;
  readonly readers: number;
  readonly edits: number;
  readonly window: number;
  readonly pid: number;
}): Promise<FanOut> {
  const updates = typedLetters(CLIENT, input.edits);
  const sentAt = new Float64Array(input.edits + 1);
  const delays: number[] = [];
  const done = Promise.withResolvers<void>();
  const total = input.edits * input.readers;
  let sent = 0;
  let delivered = 0;
  const writer = connect(input.address);
  const readers: Wire[] = Array.from({ length: input.readers }, (_, reader) => {
    let seen = 0;
    return connect(input.address, {
      onUpdate(update) {
        const clock = clockAfterLetters(update);
        if ((seen + reader) % 8 === 0) delays.push(performance.now() - (sentAt[seen] ?? 0));
        delivered += clock - seen;
        seen = clock;
        if (delivered === total) done.resolve();
        else send();
      },
    });
  });
  function send(): void {
    for (; sent < input.edits && sent * input.readers - delivered < input.window * input.readers; sent++) {
      sentAt[sent] = performance.now();
      const update = updates[sent];
      if (update !== undefined) writer.sendUpdate(update);
    }
  }
  await Promise.all([writer.answered, ...readers.map(({ answered }) => answered)]);
  await delay(300);
  const cpuBefore = await cpuMs(input.pid);
  const began = performance.now();
  send();
  await within('the last delivery', LIMIT_MS, done.promise);
  const seconds = (performance.now() - began) / 1_000;
  const cpuUs = (((await cpuMs(input.pid)) - cpuBefore) * 1_000) / total;
  await Promise.all([writer, ...readers].map((wire) => wire.cut()));
  return { deliveriesPerSecond: total / seconds, p95Ms: quantile(delays, 0.95), cpuUs };
}
