/** What is left of a run's output when a client goes away, when another one joins, and when the server is killed. */
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunEvent } from '@markco/protocol';
import { withFolder, type Stage } from '../bench.ts';
import { jupyterServer, type JupyterKernel } from '../driver/runs/jupyter-server.ts';
import { newRunId, openStream, type MarkcoSource, type Stream } from '../driver/runs/markco.ts';
import { median } from '../quantile.ts';
import type { Row } from '../result.ts';
import { installJupyter, startJupyter, withJupyterFirst } from '../servers/jupyter.ts';
import { markco, startDevice, type Device } from '../servers/markco.ts';
import { within } from '../wait.ts';

const LINES = 3_000;
const LINE_BYTES = 80;
const BYTES = LINES * LINE_BYTES;
/** About three seconds, a line at a time. */
const CODE = `import time\nfor i in range(${LINES}):\n    print(f'{i:0${LINE_BYTES - 1}d}', flush=True)\n    if i % 10 == 9: time.sleep(0.01)`;
const SERVER = 'Jupyter Server';
const LIMIT_MS = 20_000;

/** Bytes that no client got, of those that the program printed or would have printed. */
type Lost = { readonly dropped: number; readonly joined: number; readonly killed: number };

const textBytes = (events: readonly RunEvent[]): number =>
  events.reduce((sum, event) => sum + (event.type === 'stdout' ? Buffer.byteLength(event.payload.text) : 0), 0);

/** Collects events until so many bytes have come, or all. */
async function collect(stream: Stream, run: RunEvent['runId'], events: RunEvent[], bytes: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let seen = textBytes(events);
  const over = stream.follow(run, events.length, (event) => {
    events.push(event);
    seen += textBytes([event]);
    if (seen >= bytes) resolve();
  });
  await within('output', LIMIT_MS, Promise.race([promise, over]));
  if (bytes >= BYTES) await within('the end', LIMIT_MS, over);
}

async function ours(folder: string): Promise<Lost> {
  let device: Device = await startDevice(folder, { PATH: withJupyterFirst() });
  const source = (): MarkcoSource => ({ kind: 'markco', folder, ...device });
  const submit = async (stream: Stream) =>
    (await stream.submit({ id: newRunId(), projectId: device.projectId, language: 'python', code: CODE })).id;
  try {
    const first = await openStream(source());
    const run = await submit(first);
    const events: RunEvent[] = [];
    await collect(first, run, events, BYTES / 3);
    const gone = once(first.ws, 'close');
    first.close();
    await gone;
    const [again, other] = [await openStream(source()), await openStream(source())];
    const joined: RunEvent[] = [];
    await Promise.all([collect(again, run, events, BYTES), collect(other, run, joined, BYTES)]);

    const killed: RunEvent[] = [];
    const last = await submit(again);
    await collect(again, last, killed, BYTES / 3);
    await device.kill();
    for (const stream of [again, other]) stream.close();
    device = await startDevice(folder, { PATH: withJupyterFirst() });
    const back = await openStream(source());
    await collect(back, last, killed, BYTES);
    back.close();
    return {
      dropped: BYTES - textBytes(events),
      joined: BYTES - textBytes(joined),
      killed: BYTES - textBytes(killed),
    };
  } finally {
    const stream = await openStream(source()).catch(() => undefined);
    stream?.close();
    await endSessions(device);
    await device.stop();
  }
}

/** Sessions outlive their device on purpose. */
async function endSessions({ origin, token, get }: Device): Promise<void> {
  const { sessions } = (await (await get('/api/sessions')).json()) as { sessions: { id: string }[] };
  for (const { id } of sessions)
    await fetch(`${origin}/api/sessions/${id}`, { method: 'DELETE', headers: { authorization: `Bearer ${token}` } });
}

/** Runs it; the text that has come so far, and when a third of it is there. */
function begin(kernel: JupyterKernel): {
  text(): number;
  readonly third: Promise<void>;
  readonly over: Promise<unknown>;
} {
  let bytes = 0;
  const { promise: third, resolve } = Promise.withResolvers<void>();
  const over = kernel.run(CODE, (text) => {
    bytes += Buffer.byteLength(text);
    if (bytes >= BYTES / 3) resolve();
  });
  return { text: () => bytes, third, over };
}

async function theirs(folder: string): Promise<Lost> {
  const server = await startJupyter(folder);
  const kernels = jupyterServer({ kind: 'jupyter-server', ...server });
  try {
    const kernel = await kernels.prepare();
    await kernel.run('1');
    const first = begin(kernel);
    await first.third;
    const other = await kernel.another();
    let joined = 0;
    other.hear(({ header, content }) => {
      if (header.msg_type === 'stream') joined += Buffer.byteLength(String(content['text']));
    });
    await within('the end', LIMIT_MS, first.over);
    other.close();
    // Alone: somebody else who listens keeps it from holding back what the one who left will miss.
    const second = begin(kernel);
    await second.third;
    await kernel.cut();
    await kernel.reconnect();
    await within('the end', LIMIT_MS, second.over).catch(() => undefined);

    const third = begin(kernel);
    await third.third;
    // Its kernels end with it, and nothing of what they print afterwards is kept anywhere.
    await server.kill();
    return { dropped: BYTES - second.text(), joined: BYTES - joined, killed: BYTES - third.text() };
  } finally {
    await server.kill();
  }
}

export const kept: Stage = {
  name: 'run-kept',
  about: 'output lost when a client drops and resumes, when one joins in the middle, when the server is killed',
  async run(bench) {
    const found = new Map<string, Lost[]>();
    const missing = installJupyter(bench.say);
    if (missing !== undefined) bench.skip(SERVER, missing);
    await withFolder(async (folder) => {
      for (let round = 0; round < (bench.quick ? 1 : 3); round++) {
        const turns: [string, (folder: string) => Promise<Lost>][] = [[markco.name, ours]];
        if (missing === undefined) turns.push([SERVER, theirs]);
        for (const [name, measure] of turns) {
          try {
            const lost = await measure(await mkdtemp(join(folder, 'kept-')));
            found.set(name, [...(found.get(name) ?? []), lost]);
          } catch (error) {
            bench.skip(`${this.name}, ${name}`, error instanceof Error ? error.message : String(error));
          }
        }
      }
    });
    const row = (measure: string, pick: (lost: Lost) => number): Row => {
      const figure = (name: string): number | null => {
        const all = found.get(name)?.map(pick);
        return all === undefined ? null : (median(all) * 100) / BYTES;
      };
      const other = figure(SERVER);
      return {
        stage: this.name,
        measure,
        unit: '%',
        ours: figure(markco.name) ?? Number.NaN,
        peers: other === null ? {} : { [SERVER]: other },
        target: { limit: 'at-most', of: 0 },
      };
    };
    return [
      row('output lost: the client drops and resumes', ({ dropped }) => dropped),
      row('… not seen by a second one that joins at a third', ({ joined }) => joined),
      row('… the server is killed with -9 at a third', ({ killed }) => killed),
    ];
  },
};
