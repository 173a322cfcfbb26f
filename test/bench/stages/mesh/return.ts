/** What it takes two devices to find out that little has changed while they were apart, and what of it is said for what. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withDriver, withFolder, type Stage } from '../../bench.ts';
import { median } from '../../quantile.ts';
import type { Row, Target } from '../../result.ts';
import { withBareLibp2p, withMesh, type MeshDevice } from '../../servers/mesh.ts';
import { bytesBetween, whyNoBytes, type Bytes } from '../../servers/wire-bytes.ts';
import { delay, eventually } from '../../wait.ts';
import { allArrived, arrived, pages } from './pages.ts';

const RETURN = 'mesh-return';
const BARE = 'bare libp2p';
const APART_MS = 60_000;
/** What follows a reconnect on purpose, as who is where, has been said by then. */
const SETTLED_MS = 3_000;
const KB = 1_000;
const DOCUMENTS = '/markco/documents/';

const row = (measure: string, unit: string, ours: number, target?: Target): Row => ({
  ...{ stage: RETURN, measure, unit, ours, peers: {} },
  ...(target === undefined ? {} : { target }),
});
const atMost = (of: number): Target => ({ limit: 'at-most', of });

/** Since two devices met: all that went over the wire, and of it the frames of each protocol. */
type Meeting = { readonly wire: Bytes; readonly protocols: ReadonlyMap<string, Bytes> };

const NONE: Bytes = { sent: 0, received: 0 };
const less = (all: Bytes, part: Bytes): Bytes => ({
  sent: all.sent - part.sent,
  received: all.received - part.received,
});
const sum = ({ sent, received }: Bytes): number => sent + received;
/** The middle one of several meetings, by a part of each. */
const middle = (meetings: readonly Meeting[], part: (meeting: Meeting) => Bytes): Bytes => ({
  sent: median(meetings.map((meeting) => part(meeting).sent)),
  received: median(meetings.map((meeting) => part(meeting).received)),
});

export const meshReturn: Stage = {
  name: RETURN,
  about: 'a device that was away for a while, with three pages of 10,000 changed meanwhile, and with none',
  run: async (bench) => {
    const count = bench.quick ? 500 : 10_000;
    const why = whyNoBytes();
    if (why !== undefined) bench.skip('bytes between devices', why);
    const bare =
      why === undefined
        ? await withBareLibp2p((address, pid) => withDriver((driver) => driver.run('bareMeeting', { address, pid })))
        : NONE;
    return withFolder((folder) =>
      withMesh(folder, ['one', 'two'], pages(count), async ([one, two]) => {
        const began = performance.now();
        await allArrived(two, count);
        const first = (performance.now() - began) / 1_000;
        await delay(5_000);
        const found: Record<'three' | 'none', { met: Meeting[]; ms: number[] }> = {
          three: { met: [], ms: [] },
          none: { met: [], ms: [] },
        };
        for (let round = 0; round < (bench.quick ? 1 : 3); round++) {
          for (const [kind, changed] of [
            ['three', [3, 77, 401]],
            ['none', []],
          ] as const) {
            await apart(one, two);
            const before = await traffic(one);
            const texts = changed.map(
              (at) => [`folder-${at % 20}/page-${at}.md`, `# Page ${at}\n\nround ${round}\n`] as const,
            );
            for (const [path, text] of texts) await writeFile(join(one.folder, path), text);
            await delay(1_000);
            process.kill(two.device.pid, 'SIGCONT');
            const since = await together(one);
            const written = await Promise.all(texts.map(([path, text]) => arrived(two, path, text)));
            await delay(SETTLED_MS);
            if (written.length > 0) found[kind].ms.push(Math.max(...written) - since);
            if (why !== undefined) continue;
            const wire = bytesBetween(one.device.pid, [two.device.pid]);
            const protocols = new Map(
              [...(await traffic(one))].map(([name, bytes]) => [name, less(bytes, before.get(name) ?? NONE)] as const),
            );
            found[kind].met.push({ wire, protocols });
          }
        }
        const { three, none } = found;
        const times = [
          row(`the first time, ${count.toLocaleString('en-US')} pages`, 's', first),
          row('three changed, from being connected to the files', 'ms', median(three.ms), atMost(300)),
        ];
        if (why !== undefined) return times;
        const both = (what: string, bytes: Bytes, target?: Target): Row[] => [
          row(what, 'KB', sum(bytes) / KB, target),
          row('… sent by the one', 'KB', bytes.sent / KB),
          row('… and by the other', 'KB', bytes.received / KB),
        ];
        const names = [...(none.met[0]?.protocols.keys() ?? [])];
        for (const name of names) {
          const { sent, received } = middle(none.met, ({ protocols }) => protocols.get(name) ?? NONE);
          if (sent + received > 0)
            bench.say(`  none changed: ${name.padEnd(28)} ${sent} + ${received} bytes in frames`);
        }
        const documents = names.find((name) => name.startsWith(DOCUMENTS)) ?? '';
        const all = middle(none.met, ({ wire }) => wire);
        // Who dialed what depends on who was found first: half of what both say is said by each.
        const half = { sent: sum(bare) / 2, received: sum(bare) / 2 };
        return [
          ...times,
          row(
            '… between the two, connecting included',
            'KB',
            sum(middle(three.met, ({ wire }) => wire)) / KB,
            atMost(64),
          ),
          { ...row('none changed, connecting included', 'KB', sum(all) / KB), peers: { [BARE]: sum(bare) / KB } },
          ...both('… what MarkCo says itself', less(all, half), atMost(2)),
          ...both(
            '… of it about documents alone',
            middle(none.met, ({ protocols }) => protocols.get(documents) ?? NONE),
          ),
        ];
      }),
    );
  },
};

/** Bytes in the frames of each protocol with other devices, since the device started. */
async function traffic({ device }: MeshDevice): Promise<ReadonlyMap<string, Bytes>> {
  const text = await (await device.get('/metrics')).text();
  const found = new Map<string, Bytes>();
  for (const [, labels = '', value] of text.matchAll(/^mesh_bytes_total\{(.*)\} (\d+)$/gm)) {
    const label = (name: string): string => new RegExp(`${name}="(.*?)"`).exec(labels)?.[1] ?? '';
    found.set(label('protocol'), { ...(found.get(label('protocol')) ?? NONE), [label('direction')]: Number(value) });
  }
  return found;
}

/** The second one stops in its tracks, until the first one has noticed. */
async function apart(one: MeshDevice, two: MeshDevice): Promise<void> {
  process.kill(two.device.pid, 'SIGSTOP');
  await eventually('the other device being missed', APART_MS, async () =>
    (await one.connectedTo()).length === 0 ? true : undefined,
  );
}

/** Since when the two are connected, Unix milliseconds. */
async function together(one: MeshDevice): Promise<number> {
  return eventually('being connected again', APART_MS, async () => {
    const { devices } = await one.api<{ devices: { connection?: { state: string; since: string } }[] }>('/api/devices');
    const found = devices.find(({ connection }) => connection?.state === 'connected');
    return found?.connection === undefined ? undefined : Date.parse(found.connection.since);
  });
}
