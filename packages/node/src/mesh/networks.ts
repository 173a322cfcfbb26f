/** The networks that this machine is on, by the addresses of its interfaces. */
import type { networkInterfaces } from 'node:os';

export type Networks = {
  /** Whether it has an address of this kind that other machines can see. */
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  /** Whether `/ip4/192.168.1.7/tcp/7718` is an address of one of them, or of this machine. */
  includes(address: string): boolean;
};

export function networksOf(interfaces: ReturnType<typeof networkInterfaces>): Networks {
  const all = Object.values(interfaces).flatMap((addresses) => addresses ?? []);
  const outer = all.filter(({ internal }) => !internal);
  const near = ['127.0.0.0/8', '::1/128', ...all.flatMap(({ cidr }) => cidr ?? [])].map(prefixOf);
  return {
    // An address that the machine gave itself leads nowhere beyond its cable.
    ipv4: outer.some(({ family, address }) => family === 'IPv4' && !address.startsWith('169.254.')),
    ipv6: outer.some(({ family, address }) => family === 'IPv6' && !/^fe[89ab]/i.test(address)),
    includes(address) {
      const bits = bitsOf(/^\/ip[46]\/([^/]+)/.exec(address)?.[1] ?? '');
      return bits !== null && near.some((prefix) => prefix !== null && bits.startsWith(prefix));
    },
  };
}

/** `192.168.1.7/24`: what all addresses of that network begin with. */
function prefixOf(cidr: string): string | null {
  const [address = '', length = ''] = cidr.split('/');
  const bits = bitsOf(address);
  return bits === null || !/^\d+$/.test(length) ? null : bits.slice(0, 1 + Number(length));
}

/** `4` or `6` and the bits of an address, so that one kind is never taken for the other; null for what is none. */
function bitsOf(address: string): string | null {
  if (/^(\d{1,3}\.){3}\d{1,3}$/.test(address))
    return `4${address
      .split('.')
      .map((part) => binary(Number(part), 8))
      .join('')}`;
  if (!/^[0-9a-f:]{2,39}$/i.test(address)) return null;
  const [head = '', tail, more] = address.split('::');
  const [first, last] = [head, tail ?? ''].map((part) => part.split(':').filter((group) => group !== ''));
  if (first === undefined || last === undefined || more !== undefined) return null;
  const between = tail === undefined ? [] : Array.from({ length: 8 - first.length - last.length }, () => '0');
  const groups = [...first, ...between, ...last];
  return groups.length === 8 ? `6${groups.map((group) => binary(Number.parseInt(group, 16), 16)).join('')}` : null;
}

const binary = (value: number, length: number): string => value.toString(2).padStart(length, '0');
