/**
 * The way of browsers to the user's devices: a WebSocket to `/`, passed byte for byte to the device beside this cloud.
 *
 * What goes through is encrypted between the two that talk (Noise), and the device refuses whoever is none of its user's
 * before it hears a word. So nothing is asked here, nothing is read, and few are let through at once: of those who come
 * without the token of this cloud, as devices do, fewer, since the device takes few in a second and all come from here.
 */
import { Failure } from '@markco/protocol';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';

/** Further ones are refused. A device lets in fewer strangers than this by far. */
export const PIPES_MAX = 300;
const STRANGERS_MAX = 100;
const STRANGERS_PER_SECOND = 2;
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

export type PipesParts = {
  /** Where the device listens; null while it is not on the network. */
  readonly target: () => Target | null;
  /** Whether who asks is signed in here. */
  readonly isKnown: (request: IncomingMessage) => boolean;
  readonly now: () => number;
  readonly max?: number;
};

export function createPipes({ target, isKnown, now, max = PIPES_MAX }: PipesParts): Pipes {
  const open = new Set<() => void>();
  const strangers = new Set<() => void>();
  /** When the last of them came. */
  let came: readonly number[] = [];

  function letsInStranger(): boolean {
    came = came.filter((at) => Math.abs(now() - at) < 1_000);
    if (came.length >= STRANGERS_PER_SECOND || strangers.size >= STRANGERS_MAX) return false;
    came = [...came, now()];
    return true;
  }

  function pipe(request: IncomingMessage, socket: Duplex, head: Buffer, to: Target, isStranger: boolean): void {
    const { host, port } = to;
    const device = connect({ host, port, noDelay: true });
    const end = (): void => {
      open.delete(end);
      strangers.delete(end);
      device.destroy();
      socket.destroy();
    };
    open.add(end);
    if (isStranger) strangers.add(end);
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
      const isStranger = !isKnown(request);
      if (open.size >= max || (isStranger && !letsInStranger()))
        throw new Failure('not_ready', 'Too many connections to devices are open here. Try again in a moment.');
      pipe(request, socket, head, to, isStranger);
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
