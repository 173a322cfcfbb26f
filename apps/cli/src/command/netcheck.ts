/** `markco netcheck`: what this device can do on the network, and which of the others it reaches. */
import type { Netcheck, Reach } from '@markco/protocol';
import { requireDevice } from '../device.ts';
import { pathWords, roundTrip } from '../path-words.ts';
import { json, localTime, printable } from '../render.ts';
import { verb, type AddVerb, type JsonOption } from '../verb.ts';

export const addNetcheck: AddVerb = (program, cli, done) => {
  verb(program, 'netcheck', 'See what this device can do on the network, and which of your others it reaches', [
    'markco netcheck',
    'markco netcheck --json',
  ]).action(async (options: JsonOption) => {
    const { api } = await requireDevice(cli);
    const found = await api('netcheck', { signal: cli.signal });
    if (options.json) cli.out.write(json(found));
    else {
      const lines = linesOf(found, cli.now());
      const width = Math.max(...lines.map(([name]) => name.length));
      for (const [name, words] of lines) cli.out.write(`${printable(`${name.padEnd(width)}  ${words}`)}\n`);
    }
    done(0);
  });
};

type Line = readonly [string, string];

function linesOf(
  { addresses, neighbors, ipv4, ipv6, outside = [], relays, devices }: Netcheck,
  now: number,
): readonly Line[] {
  const isAlone = addresses.length === 0;
  const listening = addresses.map((address, index): Line => [index === 0 ? 'listening' : '', address]);
  return [
    ...(isAlone ? [['listening', 'no: this is your only device. Add another with: markco pair'] as const] : listening),
    ['IPv4', family(ipv4, isAlone)],
    ['IPv6', family(ipv6, isAlone)],
    [
      'neighbors',
      neighbors.lookedFor
        ? `looked for; ${neighbors.answered === 0 ? 'none has answered yet' : `${neighbors.answered} answered`}`
        : isAlone
          ? 'not looked for while this is your only device'
          : 'not looked for (MARKCO_MDNS=0)',
    ],
    ...outsideLines(outside),
    ...(relays.length === 0
      ? [
          [
            'relay',
            'none: devices are reached directly or not at all. On one that all reach: markco up --relay',
          ] as const,
        ]
      : relays.map((relay): Line => ['relay', relayWords(relay)])),
    ...devices.map(({ name, reach }): Line => [name, reachWords(reach, now)]),
  ];
}

/** One that reaches it is all that a person needs to know; where none does, what to do about it. */
function outsideLines(outside: NonNullable<Netcheck['outside']>): readonly Line[] {
  const reached = outside.filter(({ answered }) => answered);
  if (reached.length > 0)
    return reached.map(({ address, name }): Line => ['outside', `${name} reaches this device at ${address}`]);
  return outside.slice(0, 1).map(({ address, name, why = 'no answer' }): Line => {
    const port = /\/tcp\/(\d+)$/.exec(address)?.[1] ?? '';
    return [
      'outside',
      `${name} does not reach this device at ${address}: ${why}. For direct connections, forward TCP port ${port} to it in your router`,
    ];
  });
}

function family({ usable, listening }: Netcheck['ipv4'], isAlone: boolean): string {
  if (!usable) return 'this machine has no such address';
  if (isAlone) return 'this machine has an address';
  return listening ? 'other devices can use it' : 'this machine has an address, but MarkCo does not listen there';
}

function relayWords({ name, address, roundTripMs, reserved, why }: Netcheck['relays'][number]): string {
  const trip = roundTripMs === undefined ? '' : `, ${roundTrip(roundTripMs)}`;
  const where = address === undefined ? name : `${name} at ${address}${trip}`;
  return `${where}: ${reserved ? 'others reach this device through it' : `not in use, ${why ?? 'it does not answer'}`}`;
}

function reachWords(reach: Reach, now: number): string {
  return reach.answered
    ? `${pathWords(reach.path)}, ${roundTrip(reach.roundTripMs)}`
    : `not reached since ${localTime(reach.since, now)}: ${reach.why} → ${reach.fix}`;
}
