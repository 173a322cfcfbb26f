/** What systems print about their networks, as they print it. */
import { expect, test } from 'vitest';
import {
  carrierOf,
  kindByNames,
  linuxKind,
  macosKind,
  parseDefaultRoutes,
  parseMetered,
  parseRouteGet,
  parseWindowsNetwork,
  type LinuxInterface,
} from './network.ts';

const HEAD = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n';
const v4 = (name: string, metric: number, destination = '00000000', mask = '00000000', flags = '0003') =>
  `${name}\t${destination}\t0101A8C0\t${flags}\t0\t0\t${metric}\t${mask}\t0\t0\t0   \n`;
const ZERO = '0'.repeat(32);
const v6 = (name: string, metric: string, destination = ZERO, length = '00', flags = '00000003') =>
  `${destination} ${length} ${ZERO} 00 fe80000000000000020000fffe000001 ${metric} 00000001 00000000 ${flags} ${name.padStart(8)}\n`;

test.for([
  ['a cable before Wi-Fi, by their metrics', HEAD + v4('wlan0', 600) + v4('enp3s0', 100), '', ['enp3s0', 'wlan0']],
  ['a local network only', HEAD + v4('eth0', 0, '0001A8C0', '00FFFFFF', '0001'), '', []],
  ['half of the addresses by a tunnel', HEAD + v4('tun0', 0, '00000000', '00000080') + v4('wlan0', 600), '', ['wlan0']],
  ['a route that is down', HEAD + v4('eth0', 100, '00000000', '00000000', '0002'), '', []],
  ['one that refuses', HEAD + v4('eth0', 100, '00000000', '00000000', '0201'), '', []],
  ['IPv6 alone', HEAD, v6('lo', 'ffffffff', ZERO, '00', '00200200') + v6('wwan0', '00000400'), ['wwan0']],
  ['IPv6 within the network', HEAD, v6('eth0', '00000100', `fe80${'0'.repeat(28)}`, '40'), []],
  ['both', HEAD + v4('eth0', 100), v6('eth0', '00000400'), ['eth0']],
  ['nothing', '', '', []],
  ['no table', 'cannot open', 'cannot open', []],
] as const)('default routes: %s', ([, four, six, names]) => {
  expect(parseDefaultRoutes(four, six)).toEqual(names);
});

const linked = (name: string, entries: string[], uevent = '', operstate = 'up\n'): LinuxInterface => ({
  name,
  entries: ['address', 'operstate', ...entries],
  uevent,
  operstate,
});
const tunnel = linked('wg0', [], 'DEVTYPE=wireguard\nINTERFACE=wg0\n', 'unknown\n');
const wifi = linked('wlp2s0', ['device', 'wireless', 'phy80211'], 'DEVTYPE=wlan\nINTERFACE=wlp2s0\n');
const cable = linked('eth0', ['device']);

test('below a tunnel is what carries it; what is down carries nothing', () => {
  expect(carrierOf([tunnel, wifi])).toBe(wifi);
  expect(carrierOf([tunnel])).toBe(tunnel);
  expect(carrierOf([{ ...cable, operstate: 'down\n' }, wifi])).toBe(wifi);
  expect(carrierOf([{ ...cable, operstate: 'down\n' }])).toBeNull();
  expect(carrierOf([])).toBeNull();
});

test.for([
  [wifi, null, 'wifi'],
  [wifi, false, 'wifi'],
  [wifi, true, 'metered'],
  [cable, null, 'ethernet'],
  [cable, true, 'metered'],
  [tunnel, null, 'ethernet'],
  [linked('wwan0', ['device'], 'DEVTYPE=wwan\n'), null, 'metered'],
  [linked('wwan0', ['device'], 'DEVTYPE=wwan\n'), false, 'ethernet'],
  [linked('bnep0', ['device'], 'DEVTYPE=bluetooth\n'), null, 'metered'],
  [linked('wlan0', ['device', 'phy80211']), null, 'wifi'],
] as const)('Linux: the kind of an interface (%#)', ([face, metered, kind]) => {
  expect(linuxKind(face, metered)).toBe(kind);
});

test.for([
  ['GENERAL.METERED:yes\n', true],
  ['GENERAL.METERED:yes (guessed)\n', true],
  ['GENERAL.METERED:no (guessed)\n', false],
  ['GENERAL.METERED:no\n', false],
  ['GENERAL.METERED:unknown\n', null],
  ["Error: Device 'eth0' not found.\n", null],
  ['', null],
] as const)('nmcli: %s', ([text, metered]) => {
  expect(parseMetered(text)).toBe(metered);
});

const ROUTE = `   route to: default
destination: default
       mask: default
    gateway: 192.168.1.1
  interface: en0
      flags: <UP,GATEWAY,DONE,STATIC,PRCLONING,GLOBAL>
 recvpipe  sendpipe  ssthresh  rtt,msec    rttvar  hopcount      mtu     expire
       0         0         0         0         0         0      1500         0
`;
const PORTS = `
Hardware Port: Ethernet Adapter (en4)
Device: en4
Ethernet Address: 3e:22:fb:00:00:01

Hardware Port: Thunderbolt Bridge
Device: bridge0
Ethernet Address: 36:00:00:00:00:00

Hardware Port: Wi-Fi
Device: en0
Ethernet Address: 3c:22:fb:00:00:02

Hardware Port: iPhone USB
Device: en8
Ethernet Address: N/A

VLAN Configurations
===================
`;

test('macOS: the port of the default route', () => {
  expect(parseRouteGet(ROUTE)).toBe('en0');
  expect(parseRouteGet('route: writing to routing socket: not in table\n')).toBeNull();
  const kinds = ['en0', 'en4', 'en8', 'utun3', 'bridge0'].map((name) => macosKind(name, PORTS));
  expect(kinds).toEqual(['wifi', 'ethernet', 'metered', 'ethernet', 'ethernet']);
  expect(macosKind('en0', '')).toBe('ethernet');
  expect(macosKind('en1', 'Hardware Port: AirPort\nDevice: en1\n')).toBe('wifi');
});

const profile = (index: number, v4Reach: string, v6Reach = 'NoTraffic') => ({ index, v4: v4Reach, v6: v6Reach });
const adapters = [
  { index: 5, medium: 14 },
  { index: 7, medium: 9 },
  { index: 9, medium: 0 },
  { index: 11, medium: 8 },
  { index: 13, medium: 10 },
];
const windows = (profiles: object[], cost = 'Unrestricted') => JSON.stringify({ profiles, adapters, cost });

test.for([
  ['a cable', windows([profile(5, 'Internet')]), 'ethernet'],
  ['Wi-Fi', windows([profile(7, 'Internet')]), 'wifi'],
  ['Wi-Fi beside a cable', windows([profile(7, 'Internet'), profile(5, 'Internet')]), 'ethernet'],
  ['Wi-Fi beside a cable that leads nowhere', windows([profile(5, 'LocalNetwork'), profile(7, 'Internet')]), 'wifi'],
  ['a tunnel over Wi-Fi', windows([profile(9, 'Internet'), profile(7, 'Internet')]), 'wifi'],
  ['a tunnel alone', windows([profile(9, 'Internet')]), 'ethernet'],
  ['Wi-Fi that costs', windows([profile(7, 'Internet')], 'Fixed'), 'metered'],
  ['Wi-Fi that costs by use', windows([profile(7, 'Internet')], 'Variable'), 'metered'],
  ['a cost that is not known', windows([profile(7, 'Internet')], ''), 'wifi'],
  ['a SIM card', windows([profile(11, 'Internet')]), 'metered'],
  ['a telephone by Bluetooth', windows([profile(13, 'Internet')]), 'metered'],
  ['IPv6 alone', windows([profile(7, 'Disconnected', 'Internet')]), 'wifi'],
  ['a home without Internet', windows([profile(7, 'LocalNetwork')]), 'wifi'],
  ['nothing that is connected', windows([profile(7, 'Disconnected', 'Disconnected')]), 'offline'],
  ['an adapter that is not listed', windows([profile(99, 'Internet')]), 'ethernet'],
  ['profiles that may not be read', windows([]), null],
  ['one object where a list was asked for', '{"profiles":{"index":7},"adapters":[],"cost":""}', null],
  ['a complaint', 'Get-NetConnectionProfile : Acceso denegado.', null],
  ['nothing', '', null],
] as const)('Windows: %s', ([, text, kind]) => {
  expect(parseWindowsNetwork(text)).toBe(kind);
});

test('where the system says nothing, names and addresses do', () => {
  const at = (address: string, internal = false) => [
    { address, internal, netmask: '', mac: '', cidr: null, family: 'IPv4' as const },
  ];
  expect(kindByNames({ lo: at('127.0.0.1', true) })).toBe('offline');
  expect(kindByNames({ awdl0: at('fe80::1'), en0: at('169.254.1.2') })).toBe('offline');
  expect(kindByNames({ lo: at('127.0.0.1', true), wlp2s0: at('192.168.1.2') })).toBe('wifi');
  expect(kindByNames({ 'Wi-Fi': at('192.168.1.2') })).toBe('wifi');
  expect(kindByNames({ WLAN: at('192.168.1.2') })).toBe('wifi');
  expect(kindByNames({ WLAN: at('192.168.1.2'), Ethernet: at('10.0.0.1') })).toBe('ethernet');
});
