/** What went between two processes over TCP, as Linux counts it for each connection. */
import { execFileSync } from 'node:child_process';

type Tcp = { readonly pid: number; readonly from: string; readonly to: string; readonly bytes: number };

/** Why nothing can be counted here, or undefined. */
export function whyNoBytes(): string | undefined {
  try {
    execFileSync('ss', ['-V'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return '`ss` of iproute2 is not here';
  }
}

/** Bytes of the connections that are open now, both ways together, headers not counted. */
export function bytesBetween(pid: number, others: readonly number[]): number {
  const all = connections();
  const theirs = new Set(all.filter((each) => others.includes(each.pid)).map(({ from }) => from));
  return all.filter((each) => each.pid === pid && theirs.has(each.to)).reduce((sum, { bytes }) => sum + bytes, 0);
}

function connections(): readonly Tcp[] {
  const said = execFileSync('ss', ['-tinpHO', 'state', 'established'], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return said.split('\n').flatMap((line) => {
    const [, , from = '', to = ''] = line.trim().split(/\s+/);
    const pid = Number(/pid=(\d+)/.exec(line)?.[1]);
    const count = (name: string): number => Number(new RegExp(`${name}:(\\d+)`).exec(line)?.[1] ?? 0);
    // Node names IPv4 addresses as IPv6 where it listens on both.
    const plain = (address: string): string => address.replace('[::ffff:', '').replace(']', '');
    return Number.isNaN(pid)
      ? []
      : [{ pid, from: plain(from), to: plain(to), bytes: count('bytes_sent') + count('bytes_received') }];
  });
}
