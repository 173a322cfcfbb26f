/**
 * How two devices reach each other from behind every kind of router, with a relay and without: what connected, by which
 * way, and how long that took from when both had started. The table is printed:
 *
 *   MARKCO_LAB=all npm test -- --project network paths
 */
import { expect } from 'vitest';
import { say, test, whyNotAll } from './mesh.fixture.ts';
import { pair, SOON, type LabDevice } from './device.fixture.ts';
import { whyNoLab, type NatKind } from './lab.ts';

const why = await whyNoLab();
const KINDS = ['cone', 'symmetric', 'no-udp'] as const;
/** How long a direct way is waited for where there may be none: until the try to punch a hole is over. */
const SETTLED_MS = 7_500;
const UNREACHED_MS = 2_500;
const LOOK_MS = 10;

type Way = 'direct' | 'relayed' | 'not reached';
type Row = {
  readonly pair: string;
  readonly relay: boolean;
  readonly first: string;
  readonly later: string;
  readonly way: Way;
};

/** What ought to come of it, by what is known of routers. */
function expected(one: NatKind, other: NatKind, withRelay: boolean): Way {
  if (one === 'public' || other === 'public') return 'direct';
  if (!withRelay) return 'not reached';
  return one === 'cone' && other === 'cone' ? 'direct' : 'relayed';
}

type Logged = { readonly time: string; readonly event: string; readonly peer?: string };

/** When a device wrote the first such line since it was started, in Unix milliseconds. */
function firstLogged(device: LabDevice, event: string, peer?: string): number | undefined {
  const lines = device
    .log()
    .split('\n')
    .filter((line) => line.startsWith('{'));
  const found = lines
    .map((line) => JSON.parse(line) as Logged)
    .find((line) => line.event === event && (peer === undefined || line.peer === peer));
  return found === undefined ? undefined : Date.parse(found.time);
}

/** From when both listened, in milliseconds: until the two were connected, and until they were by a direct way. */
async function settle(one: LabDevice, other: LabDevice, wanted: Way): Promise<Pick<Row, 'first' | 'later' | 'way'>> {
  const listening = (): number =>
    Math.max(...[one, other].map((each) => firstLogged(each, 'mesh.listening') ?? Number.NaN));
  await expect.poll(listening, SOON).not.toBeNaN();
  const began = listening();
  const elapsed = (): number => Date.now() - began;
  const id = (await one.devices()).find(({ name }) => name === other.name)?.id;
  let first: string | null = null;
  let way: Way = 'not reached';
  while (elapsed() < (wanted === 'not reached' ? UNREACHED_MS : wanted === 'relayed' ? SETTLED_MS : 2 * SETTLED_MS)) {
    way = (await one.wayTo(other.name)) ?? 'not reached';
    if (way !== 'not reached') first ??= `${way} ${(firstLogged(one, 'mesh.connected', id) ?? Number.NaN) - began} ms`;
    if (way === 'direct') break;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  if (way !== 'direct') return { first: first ?? way, later: way, way };
  return { first: first ?? way, later: first?.startsWith('direct') ? first : `direct ${elapsed()} ms`, way };
}

test('two devices behind routers of every kind: direct where a hole can be punched, relayed elsewhere, and not at all without a relay', async ({
  device,
  skip,
}) => {
  const whyNot = why ?? whyNotAll();
  if (whyNot !== null) return skip(whyNot);
  const relay = await device('relay', 'public');
  const one = await device('one', 'cone');
  const hidden = await device('hidden', 'cone');
  const open = await device('open', 'public');
  const all = [one, hidden, open];
  await Promise.all([relay.up('--relay'), ...all.map((each) => each.up())]);
  for (const each of all) await pair(relay, each);
  for (const each of [hidden, open]) await expect.poll(() => one.wayTo(each.name), SOON).not.toBe(null);
  const cases = KINDS.flatMap((from, at) => [
    ['public', from] as const,
    ...KINDS.slice(at).map((to) => [to, from] as const),
  ]);
  const rows: Row[] = [];
  for (const withRelay of [true, false]) {
    if (!withRelay) await relay.stop();
    for (const [to, from] of cases) {
      // Without a relay, what the router is like changes nothing: one of each is enough.
      if (!withRelay && to !== 'public' && to !== from) continue;
      const other = to === 'public' ? open : hidden;
      await Promise.all([one.stop(), other.stop()]);
      await one.machine.setNat(from);
      if (to !== 'public') await other.machine.setNat(to);
      await Promise.all([other.up(), one.up()]);
      rows.push({
        pair: `${from} + ${to}`,
        relay: withRelay,
        ...(await settle(one, other, expected(from, to, withRelay))),
      });
    }
  }
  say(['routers'.padEnd(24), 'relay'.padEnd(6), 'first'.padEnd(18), 'then'].join(''));
  for (const row of rows)
    say([row.pair.padEnd(24), (row.relay ? 'yes' : 'no').padEnd(6), row.first.padEnd(18), row.later].join(''));
  for (const row of rows) {
    const [from, to] = row.pair.split(' + ') as [NatKind, NatKind];
    expect
      .soft(`${row.pair} ${row.relay} ${row.way}`)
      .toBe(`${row.pair} ${row.relay} ${expected(from, to, row.relay)}`);
  }
}, 600_000);
