/** Jobs about two devices: an edit on one seen on the other, code run from one on the other, bytes from one to the other. */
import { readFile, stat } from 'node:fs/promises';
import * as Y from 'yjs';
import type { Address } from '../servers/server.ts';
import { delay, within } from '../wait.ts';
import { openEcho } from './bare-libp2p.ts';
import { newRunId, openStream, type MarkcoSource, type Stream } from './runs/markco.ts';
import { typedLetters } from './typing.ts';
import { connect } from './wire.ts';

const WRITER = 7;
const WARM_UP = 50;
const STEP_MS = 10_000;
const BURST_TRIES = 30_000;
const LISTED_MS = 120_000;
const LISTED_EVERY_MS = 500;

/** Milliseconds, each beside a bare round trip and the same on one device alone, of the same moment. */
type Beside = { readonly ours: readonly number[]; readonly alone: readonly number[]; readonly bare: readonly number[] };

async function beside(
  { bare, count }: { readonly bare: string; readonly count: number },
  measure: () => Promise<number>,
  measureAlone: () => Promise<number>,
): Promise<Beside> {
  // As large as an edit is on the wire.
  const echo = await openEcho(bare, 48);
  const found = { ours: [] as number[], alone: [] as number[], bare: [] as number[] };
  for (let at = -WARM_UP; at < count; at++) {
    const floor = await echo.roundTrip();
    await delay(3 + (Math.abs(at) % 5));
    const ours = await within('an answer', STEP_MS, measure());
    await delay(3 + (Math.abs(at) % 7));
    const alone = await within('an answer', STEP_MS, measureAlone());
    await delay(3 + (Math.abs(at) % 3));
    if (at < 0) continue;
    found.alone.push(alone);
    found.bare.push(floor);
    found.ours.push(ours);
  }
  await echo.close();
  return found;
}

/** Types into a page at one place and looks on at another one: milliseconds from a letter's way out until it is in the text there. */
async function openTyping(
  writer: Address,
  reader: Address,
  letters: number,
): Promise<{ type(): Promise<number>; close(): Promise<void> }> {
  const theirs = new Y.Doc();
  const text = theirs.getText('content');
  let length = 0;
  let seen = Promise.withResolvers<void>();
  const out = connect(reader, {
    onUpdate(update) {
      Y.applyUpdate(theirs, update);
      if (text.length >= length) seen.resolve();
    },
  });
  const typed = typedLetters(WRITER, letters)[Symbol.iterator]();
  const into = connect(writer);
  await Promise.all([into.answered, out.answered]);
  return {
    async type() {
      length = text.length + 1;
      seen = Promise.withResolvers();
      const { value } = typed.next();
      if (value === undefined) throw new Error('there are no more letters');
      const began = performance.now();
      into.sendUpdate(value);
      await seen.promise;
      return performance.now() - began;
    },
    close: async () => void (await Promise.all([into.cut(), out.cut()])),
  };
}

/** One types on one device, another looks on on the other one; beside that, both on the first one, in a page of their own. */
export async function meshEdits(input: {
  readonly writer: Address;
  readonly reader: Address;
  readonly alone: Address;
  readonly bare: string;
  readonly count: number;
}): Promise<Beside> {
  const letters = WARM_UP + input.count;
  const there = await openTyping(input.writer, input.reader, letters);
  const here = await openTyping(input.alone, input.alone, letters);
  await delay(1_000);
  const found = await beside(input, there.type, here.type);
  await Promise.all([there.close(), here.close()]);
  return found;
}

/** `1+1` in a session that is warm, asked for on one device and run on the other one. */
export async function meshRuns(input: {
  readonly from: Pick<MarkcoSource, 'origin' | 'token'>;
  readonly on: Pick<MarkcoSource, 'origin' | 'token'> & { readonly name: string };
  readonly projectId: string;
  readonly bare: string;
  readonly count: number;
}): Promise<Beside> {
  const [there, here] = [await openStream(input.from), await openStream(input.on)];
  const measure = async (stream: Stream, wish: object): Promise<number> => {
    let resultAt = Number.NaN;
    const began = performance.now();
    const { projectId } = input;
    const run = await stream.submit({ id: newRunId(), projectId, language: 'python', code: '1+1', ...wish });
    const ended = await stream.follow(run.id, 0, (event) => {
      if (event.type === 'result') resultAt = performance.now();
    });
    if (ended.state !== 'completed') throw new Error(`the run is ${ended.state}`);
    return resultAt - began;
  };
  const found = await beside(
    input,
    () => measure(there, { runOn: input.on.name }),
    () => measure(here, {}),
  );
  there.close();
  here.close();
  return found;
}

const ask = ({ url, token }: { readonly url: string; readonly token: string }): Promise<Response> =>
  fetch(url, { headers: { authorization: `Bearer ${token}` } });

/** Seconds from asking a device for a file that another one has until all of it is verified and in its folder. */
export async function meshBulk(input: {
  readonly url: string;
  readonly token: string;
  /** Where it will be. */
  readonly file: string;
  readonly bytes: number;
}): Promise<number> {
  let began = performance.now();
  let answer = await ask(input);
  // A large file is told of once it has rested and has been read.
  for (const patience = performance.now() + LISTED_MS; answer.status === 404 && performance.now() < patience;) {
    await answer.body?.cancel();
    await delay(LISTED_EVERY_MS);
    began = performance.now();
    answer = await ask(input);
  }
  if (!answer.ok || answer.body === null) throw new Error(`the file was answered with ${answer.status}`);
  // Whoever looks has left again: what is measured is the way between the devices.
  await answer.body.cancel();
  for (;;) {
    const size = await stat(input.file).then(
      (found) => found.size,
      () => 0,
    );
    if (size === input.bytes) return (performance.now() - began) / 1_000;
    await delay(2);
  }
}

/**
 * Letters typed into many pages at once, each on one device; seconds until all of them are in the file of each device.
 * @param each letters a page
 */
export async function burst({
  pages,
  each,
}: {
  readonly pages: readonly { readonly writer: Address; readonly files: readonly string[] }[];
  readonly each: number;
}): Promise<number> {
  const wires = await Promise.all(
    pages.map(async ({ writer }) => {
      const doc = new Y.Doc();
      const wire = connect(writer, { onUpdate: (update) => Y.applyUpdate(doc, update, 'server') });
      await wire.answered;
      doc.on('update', (update: Uint8Array, origin: unknown) => {
        if (origin !== 'server') wire.sendUpdate(update);
      });
      return { wire, text: doc.getText('content') };
    }),
  );
  const began = performance.now();
  for (let at = 0; at < each; at++) {
    for (const { text } of wires) text.insert(text.length, 'x');
    await delay(0);
  }
  for (const [at, { files }] of pages.entries()) {
    const wanted = wires[at]?.text.toJSON() ?? '';
    for (const file of files)
      for (let tries = 0; (await readFile(file, 'utf8')) !== wanted; tries++) {
        if (tries > BURST_TRIES) throw new Error(`${file} is not what was typed`);
        await delay(20);
      }
  }
  const seconds = (performance.now() - began) / 1_000;
  await Promise.all(wires.map(({ wire }) => wire.cut()));
  return seconds;
}
