/**
 * How this machine reaches others: by the interface of its default route.
 *
 * Where a tunnel is the default route, the interface below it is what counts, as far as the system tells. What is on no
 * list of wireless or metered things is `ethernet`.
 */
import type { networkInterfaces } from 'node:os';
import * as z from 'zod/mini';
import { jsonOf } from './amount.ts';
import type { Network } from './system.ts';

const ROUTES_MAX = 1_000;
const UP = 0x1;
const REJECT = 0x200;

/** The interfaces of the default routes of `/proc/net/route` and `/proc/net/ipv6_route`, the preferred one first. */
export function parseDefaultRoutes(v4: string, v6: string): readonly string[] {
  const routes: { readonly name: string; readonly metric: number }[] = [];
  for (const line of v4.split('\n').slice(1, ROUTES_MAX)) {
    const [name, destination, , flags = '', , , metric = '', mask] = line.trim().split(/\s+/);
    if (name === undefined || destination !== '00000000' || mask !== '00000000') continue;
    if (isUsable(flags)) routes.push({ name, metric: Number(metric) });
  }
  for (const line of v6.split('\n').slice(0, ROUTES_MAX)) {
    const [destination, length, , , , metric = '', , , flags = '', name] = line.trim().split(/\s+/);
    if (name === undefined || name === 'lo' || length !== '00' || !/^0{32}$/.test(destination ?? '')) continue;
    if (isUsable(flags)) routes.push({ name, metric: Number.parseInt(metric, 16) });
  }
  return [...new Set(routes.toSorted((a, b) => a.metric - b.metric).map(({ name }) => name))];
}

function isUsable(flags: string): boolean {
  const bits = Number.parseInt(flags, 16);
  return (bits & UP) !== 0 && (bits & REJECT) === 0;
}

/** An interface of Linux: the names in its folder of `/sys/class/net`, and two of its files. */
export type LinuxInterface = {
  readonly name: string;
  readonly entries: readonly string[];
  readonly uevent: string;
  readonly operstate: string;
};

/** The one that carries the traffic, of those with a default route; a tunnel has no device of its own. */
export function carrierOf(candidates: readonly LinuxInterface[]): LinuxInterface | null {
  const up = candidates.filter(({ operstate }) => operstate.trim() !== 'down');
  return up.find(({ entries }) => entries.includes('device')) ?? up[0] ?? null;
}

/** @param metered what NetworkManager says, which knows what the owner set and what phones announce; null: nothing */
export function linuxKind({ entries, uevent }: LinuxInterface, metered: boolean | null): Network {
  const type = /^DEVTYPE=(\S+)$/m.exec(uevent)?.[1];
  if (metered ?? (type === 'wwan' || type === 'bluetooth')) return 'metered';
  return entries.includes('wireless') || entries.includes('phy80211') || type === 'wlan' ? 'wifi' : 'ethernet';
}

/** `nmcli -t -f GENERAL.METERED dev show NAME`: `yes`, `no`, either with `(guessed)`, or `unknown`. */
export function parseMetered(text: string): boolean | null {
  const word = /^GENERAL\.METERED:(yes|no)\b/m.exec(text)?.[1];
  return word === undefined ? null : word === 'yes';
}

/** The interface in `route -n get default` of macOS. */
export const parseRouteGet = (text: string): string | null => /^\s*interface:\s*(\S+)$/m.exec(text)?.[1] ?? null;

/** @param ports `networksetup -listallhardwareports` */
export function macosKind(name: string, ports: string): Network {
  const port = [...ports.matchAll(/^Hardware Port: (.+)\nDevice: (\S+)$/gm)].find(([, , device]) => device === name);
  const kind = port?.[1] ?? '';
  if (/Wi-?Fi|AirPort/i.test(kind)) return 'wifi';
  // A telephone shares its connection.
  return /iPhone|iPad|Bluetooth|WWAN/i.test(kind) ? 'metered' : 'ethernet';
}

/** `NdisPhysicalMedium` of Windows. */
const WIRED = 14;
const WIRELESS = new Set([1, 9]);
const OF_A_TELEPHONE = new Set([8, 10]);

const WindowsSchema = z.object({
  profiles: z.array(z.object({ index: z.number(), v4: z.string(), v6: z.string() })),
  adapters: z.array(z.object({ index: z.number(), medium: z.number() })),
  cost: z.string(),
});

/**
 * `{profiles: [{index, v4, v6}], adapters: [{index, medium}], cost}` as `windows.ts` asks for it; null when it says
 * nothing, which a profile list that may not be read does too.
 */
export function parseWindowsNetwork(text: string): Network | null {
  const said = WindowsSchema.safeParse(jsonOf(text));
  if (!said.success || said.data.profiles.length === 0) return null;
  const { profiles, adapters, cost } = said.data;
  const reaches = (words: readonly string[]) =>
    profiles.filter(({ v4, v6 }) => words.includes(v4) || words.includes(v6));
  const internet = reaches(['Internet']);
  const connected = internet.length > 0 ? internet : reaches(['LocalNetwork', 'Subnet', 'NoTraffic']);
  if (connected.length === 0) return 'offline';
  if (cost === 'Fixed' || cost === 'Variable') return 'metered';
  const media = connected.map(({ index }) => adapters.find((adapter) => adapter.index === index)?.medium ?? 0);
  // Windows itself prefers the wire; what has no known medium is a tunnel.
  if (media.includes(WIRED)) return 'ethernet';
  if (media.some((medium) => WIRELESS.has(medium))) return 'wifi';
  return media.some((medium) => OF_A_TELEPHONE.has(medium)) ? 'metered' : 'ethernet';
}

/** Where the system does not say: by the addresses there are, and how their interfaces are called. */
export function kindByNames(interfaces: ReturnType<typeof networkInterfaces>): Network {
  const names = Object.entries(interfaces)
    .filter(([, addresses]) =>
      addresses?.some(({ internal, address }) => !internal && !/^(169\.254\.|fe80:)/i.test(address)),
    )
    .map(([name]) => name);
  if (names.length === 0) return 'offline';
  return names.every((name) => /^(wl|wi-?fi)/i.test(name)) ? 'wifi' : 'ethernet';
}
