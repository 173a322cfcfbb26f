/** The networks that this machine is on, by the addresses of its interfaces. */
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import type { networkInterfaces } from 'node:os';

export type Networks = {
  /** Whether it has an address of this kind that other machines can see. */
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  /** Whether `/ip4/192.168.1.7/tcp/7718` is an address of one of them, or of this machine. */
  includes(address: string): boolean;
};

export function networksOf(interfaces: ReturnType<typeof networkInterfaces>): Networks {
  const near = new BlockList();
  near.addSubnet('127.0.0.0', 8, 'ipv4');
  near.addAddress('::1', 'ipv6');
  let ipv4 = false;
  let ipv6 = false;
  for (const { address, family, internal, cidr } of Object.values(interfaces).flatMap((all) => all ?? [])) {
    if (internal || cidr === null) continue;
    near.addSubnet(address, Number(cidr.split('/')[1]), family === 'IPv4' ? 'ipv4' : 'ipv6');
    // An address that the machine gave itself leads nowhere beyond its cable.
    if (family === 'IPv4') ipv4 ||= !address.startsWith('169.254.');
    else ipv6 ||= !/^fe[89ab]/i.test(address);
  }
  return {
    ipv4,
    ipv6,
    includes(address) {
      const host = /^\/ip[46]\/([^/]+)/.exec(address)?.[1] ?? '';
      if (isIPv4(host)) return near.check(host, 'ipv4');
      return isIPv6(host) && near.check(host, 'ipv6');
    },
  };
}
