/** Jobs about what a server keeps: a long trace, cold opening, memory, edits that a kill may lose. */
import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import * as Y from 'yjs';
import { cpuMs, residentMb } from '../machine.ts';
import type { Address } from '../servers/server.ts';
import { delay, eventually, within } from '../wait.ts';
import { pasted, replayed, typedLetters, type TraceEdit } from './typing.ts';
import { clockAfter, connect } from './wire.ts';

const CLIENT = 7;
const LIMIT_MS = 180_000;

type Trace = { readonly edits: readonly TraceEdit[]; readonly finalText: string };

async function readTrace(path: string): Promise<Trace> {
  return JSON.parse(gunzipSync(await readFile(path)).toString()) as Trace;
}

/** Sends a whole trace, one message an edit; another client has seen all of it at the end. */
export async function ingest(input: {
  readonly address: Address;
  readonly trace: string;
  readonly edits: number;
  readonly window: number;
  readonly pid: number;
}): Promise<{ readonly perSecond: number; readonly savedMs: number; readonly leftMs: number; readonly edits: number }> {
  const trace = await readTrace(input.trace);
  const { updates, clocks } = replayed(CLIENT, trace.edits.slice(0, input.edits));
  const last = clocks.at(-1) ?? 0;
  const done = Promise.withResolvers<void>();
  let sent = 0;
  let seen = 0;
  let saved = 0;
  const writer = connect(input.address, {
    onSaved(count) {
      saved = count;
    },
  });
  const reader = connect(input.address, {
    onUpdate(update) {
      seen = Math.max(seen, clockAfter(update, CLIENT));
      if (seen === last && sent === updates.length) done.resolve();
      send();
    },
  });
  function send(): void {
    for (
      let room = input.window;
      room > 0 && sent < updates.length && (clocks[sent] ?? 0) - seen <= input.window;
      room--, sent++
    ) {
      const update = updates[sent];
      if (update !== undefined) writer.sendUpdate(update);
    }
    if (seen === last && sent === updates.length) done.resolve();
  }
  await Promise.all([writer.answered, reader.answered]);
  await delay(300);
  const savedBefore = saved;
  const began = performance.now();
  send();
  await within('the last edit of the trace', LIMIT_MS, done.promise);
  const seenAll = performance.now();
  let savedMs = Number.NaN;
  if (savedBefore > 0) {
    await eventually('everything being saved', LIMIT_MS, () =>
      saved >= savedBefore + updates.length ? true : undefined,
    );
    savedMs = performance.now() - seenAll;
  }
  const leftMs = await untilIdle(input.pid, seenAll);
  await Promise.all([writer.cut(), reader.cut()]);
  return { perSecond: (updates.length * 1_000) / (seenAll - began), savedMs, leftMs, edits: updates.length };
}

/** Milliseconds after `since` until a process used less than a tenth of a core for half a second. */
async function untilIdle(pid: number, since: number): Promise<number> {
  for (;;) {
    const from = performance.now();
    const before = await cpuMs(pid);
    await delay(500);
    if ((await cpuMs(pid)) - before <= 50 || from - since > LIMIT_MS) return Math.max(0, from - since);
  }
}

/** A client that has nothing opens a document, until it has the text that it should have. */
export async function openCold(input: {
  readonly address: Address;
  readonly trace: string;
  readonly edits: number;
}): Promise<{ readonly ms: number; readonly bytesDown: number }> {
  const { edits, finalText } = await readTrace(input.trace);
  const expected = input.edits >= edits.length ? finalText : undefined;
  const doc = new Y.Doc();
  const complete = Promise.withResolvers<void>();
  const began = performance.now();
  let ms = 0;
  const wire = connect(input.address, {
    onUpdate(update) {
      Y.applyUpdate(doc, update);
      ms = performance.now() - began;
      const text = doc.getText('content');
      if (expected === undefined ? text.length > 0 : text.length === expected.length) complete.resolve();
    },
  });
  await wire.answered;
  await within('the text', 60_000, complete.promise);
  if (expected !== undefined && doc.getText('content').toString() !== expected)
    throw new Error('the text is not that of the trace');
  // What comes late counts as well.
  await delay(500);
  const { down } = wire.bytes();
  await wire.cut();
  return { ms, bytesDown: down };
}

/** Resident memory, MB: with nothing open, with all of `addresses` open and filled, `afterMs` after all have left. */
export async function memory(input: {
  readonly addresses: readonly Address[];
  readonly length: number;
  readonly pid: number;
  readonly afterMs: number;
}): Promise<{ readonly none: number; readonly open: number; readonly left: number }> {
  await delay(2_000);
  const none = await residentMb(input.pid);
  const update = pasted(CLIENT, input.length);
  const wires = [];
  for (const address of input.addresses) {
    const wire = connect(address);
    wires.push(wire);
    await wire.answered;
    wire.sendUpdate(update);
  }
  await delay(4_000);
  const open = await residentMb(input.pid);
  await Promise.all(wires.map((wire) => wire.cut()));
  await delay(input.afterMs);
  return { none, open, left: await residentMb(input.pid) };
}

/** Types one letter and kills the server the moment somebody else has seen it. */
export async function killWhenSeen({
  address,
  pid,
}: {
  readonly address: Address;
  readonly pid: number;
}): Promise<void> {
  const seen = Promise.withResolvers<void>();
  const reader = connect(address, {
    onUpdate() {
      process.kill(pid, 'SIGKILL');
      seen.resolve();
    },
  });
  const writer = connect(address);
  await Promise.all([reader.answered, writer.answered]);
  const [letter] = typedLetters(CLIENT, 1);
  if (letter !== undefined) writer.sendUpdate(letter);
  await within('an edit arriving', 10_000, seen.promise);
  await Promise.all([reader.cut(), writer.cut()]);
}

/** Types without a pause for `ms`, then kills the server. How many letters somebody else had seen. */
export async function killWhileTyping({
  address,
  pid,
  ms,
}: {
  readonly address: Address;
  readonly pid: number;
  readonly ms: number;
}): Promise<{ readonly seen: number }> {
  const letters = typedLetters(CLIENT, Math.ceil(ms / 50));
  let seen = 0;
  const reader = connect(address, {
    onUpdate(update) {
      seen = Math.max(seen, clockAfter(update, CLIENT));
    },
  });
  const writer = connect(address);
  await Promise.all([reader.answered, writer.answered]);
  for (const letter of letters) {
    writer.sendUpdate(letter);
    await delay(50);
  }
  process.kill(pid, 'SIGKILL');
  await Promise.all([reader.cut(), writer.cut()]);
  return { seen };
}

/** The length of a document's text, once it is as long as it should be or has stopped growing. */
export async function lengthOf({
  address,
  expected,
}: {
  readonly address: Address;
  readonly expected: number;
}): Promise<{ readonly length: number }> {
  const doc = new Y.Doc();
  const text = doc.getText('content');
  const wire = connect(address, { onUpdate: (update) => Y.applyUpdate(doc, update) });
  await wire.answered;
  // Some answer before they have loaded.
  for (let waits = 0; text.length < expected && waits < 10; waits++) await delay(50);
  await wire.cut();
  return { length: text.length };
}
