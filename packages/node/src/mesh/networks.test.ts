import { expect, test } from 'vitest';
import { networksOf } from './networks.ts';

const v4 = { family: 'IPv4', netmask: '', mac: '', internal: false } as const;
const v6 = { family: 'IPv6', netmask: '', mac: '', internal: false, scopeid: 0 } as const;

test('an address is on this network when an interface is on its network too', () => {
  const networks = networksOf({
    lo: [{ ...v4, internal: true, address: '127.0.0.1', cidr: '127.0.0.1/8' }],
    eth0: [
      { ...v4, address: '192.168.1.7', cidr: '192.168.1.7/24' },
      { ...v6, address: '2001:db8::7', cidr: '2001:db8::7/64' },
      { ...v6, address: 'fe80::7', cidr: 'fe80::7/64' },
    ],
  });
  expect([networks.ipv4, networks.ipv6]).toEqual([true, true]);
  for (const [address, isNear] of [
    ['/ip4/192.168.1.99/tcp/7718/p2p/x', true],
    ['/ip4/127.0.0.1/tcp/7718', true],
    ['/ip6/::1/tcp/7718', true],
    ['/ip6/2001:db8::99/tcp/7718', true],
    ['/ip4/192.168.2.99/tcp/7718', false],
    ['/ip4/203.0.113.7/tcp/7718', false],
    ['/ip6/2001:db8:1::99/tcp/7718', false],
    ['/dns4/box.example/tcp/7718', false],
    ['/ip6/2001:db8:0:0:1:2:3:4/tcp/7718', true],
    ['/ip6/fe80::9:9:9:9/tcp/7718', true],
    ['/ip6/c0a8:163::/tcp/7718', false],
    ['/ip6/1:2:3:4:5:6:7:8:9:1:2:3:4/tcp/7718', false],
    ['/ip6/::1::/tcp/7718', false],
    ['/ip4/999.999.999.999/tcp/7718', false],
    ['nothing', false],
  ] as const)
    expect([address, networks.includes(address)]).toEqual([address, isNear]);
});

test('a machine that only has addresses nobody else sees is on no network', () => {
  for (const interfaces of [
    {},
    { lo: [{ ...v4, internal: true, address: '127.0.0.1', cidr: '127.0.0.1/8' }] },
    { eth0: [{ ...v4, address: '169.254.7.7', cidr: '169.254.7.7/16' }] },
    { eth0: [{ ...v6, address: 'fe80::7', cidr: 'fe80::7/64' }] },
  ]) {
    const { ipv4, ipv6 } = networksOf(interfaces);
    expect([ipv4, ipv6]).toEqual([false, false]);
  }
});
