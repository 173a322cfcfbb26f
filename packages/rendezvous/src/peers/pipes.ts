/**
 * The way of browsers to the user's devices: a WebSocket to `/`, passed byte for byte to the device beside this cloud.
 *
 * What goes through is encrypted between the two that talk (Noise), and the device refuses whoever is none of its user's
 * before it hears a word. So nothing is asked here, nothing is read, and few are let through at once.
 */
import { Failure } from '@markco/protocol';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';

/** Further ones are refused. A device lets in fewer strangers than this by far. */
export const PIPES_MAX = 300;
const CONNECT_MS = 5_000;
/** Whose page it is is no business of the device. */
const LEFT_OUT = new Set(['cookie', 'authorization']);

/** The device beside this cloud, and where it listens. */
export type Beside = {
  readonly peerId: string;
  readonly host: string;
  readonly port: number;
  /** Devices that show a code to pair with, and are reached through it. */
  readonly showing: readonly string[];
};
type Target = Pick<Beside, 'host' | 'port'>;

export type Pipes = {
  /** Whether the WebSocket was meant for a device; it is taken care of then. */
  take(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  readonly count: number;
  close(): void;
};

/** @param target where the device listens; null while it is not on the network */
export function createPipes(target: () => Target | null, max = PIPES_MAX): Pipes {
  const open = new Set<() => void>();

  function pipe(request: IncomingMessage, socket: Duplex, head: Buffer, { host, port }: Target): void {
    const device = connect({ host, port, noDelay: true });
    const end = (): void => {
      open.delete(end);
      device.destroy();
      socket.destroy();
    };
    open.add(end);
    device.setTimeout(CONNECT_MS, end);
    device.once('connect', () => device.setTimeout(0));
    if ('setNoDelay' in socket && typeof socket.setNoDelay === 'function') socket.setNoDelay(true);
    for (const each of [device, socket]) each.on('error', end).on('close', end);
    device.write(headOf(request));
    device.write(head);
    socket.pipe(device).pipe(socket);
  }

  return {
    take(request, socket, head) {
      if (!/^\/(\?|$)/.test(request.url ?? '')) return false;
      const to = target();
      if (to === null)
        throw new Failure('not_ready', 'The device beside this cloud is none of yours yet. Add it: markco pair');
      if (open.size >= max) throw new Failure('not_ready', 'Too many connections to devices are open here.');
      pipe(request, socket, head, to);
      return true;
    },
    get count() {
      return open.size;
    },
    close() {
      for (const end of [...open]) end();
    },
  };
}

/** The request as it came, for whoever answers it. */
function headOf({ rawHeaders }: IncomingMessage): string {
  const lines = ['GET / HTTP/1.1'];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2)
    if (!LEFT_OUT.has((rawHeaders[at] ?? '').toLowerCase())) lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}
