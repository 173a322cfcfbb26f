/** What went between two processes over TCP, as Linux counts it for each connection. */
import { execFileSync } from 'node:child_process';

export type Bytes = { readonly sent: number; readonly received: number };
type Tcp = Bytes & { readonly pid: number; readonly from: string; readonly to: string };

/** Why nothing can be counted here, or undefined. */
export function whyNoBytes(): string | undefined {
  try {
    execFileSync('ss', ['-V'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return '`ss` of iproute2 is not here';
  }
}

/** Bytes of the connections that are open now, as the first process sees them; headers are not counted. */
export function bytesBetween(pid: number, others: readonly number[]): Bytes {
  const all = connections();
  const theirs = new Set(all.filter((each) => others.includes(each.pid)).map(({ from }) => from));
  return all
    .filter((each) => each.pid === pid && theirs.has(each.to))
    .reduce((sum, each) => ({ sent: sum.sent + each.sent, received: sum.received + each.received }), NONE);
}

const NONE: Bytes = { sent: 0, received: 0 };

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
      : [{ pid, from: plain(from), to: plain(to), sent: count('bytes_sent'), received: count('bytes_received') }];
  });
}
