/**
 * For tests: a network between devices that are programs of their own, which does to what goes over it what it is told.
 * Each device is reached at a port of this network alone; who calls is seen by whose socket it is (Linux).
 */
import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { freePort } from '@markco/replica/free-port.fixture';

/** What happens to the bytes of one direction. `half-open`: nothing arrives and nobody is told. */
export type Fault =
  | { readonly kind: 'none' }
  | { readonly kind: 'cut' }
  | { readonly kind: 'half-open' }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'throttle'; readonly bytesPerSecond: number }
  | { readonly kind: 'flip' };

export type Network = {
  /** Where a device is reached; the port that it listens on itself. */
  add(name: string): Promise<{ readonly address: string; readonly listenPort: number }>;
  /** Which program a device is, now. */
  runs(name: string, pid: number): void;
  /** From now on, for what `from` sends to `to`, on whichever connection between the two. */
  set(from: string, to: string, fault: Fault): void;
  heal(): void;
  /** Whether there is a connection between these two, whoever called. */
  joins(a: string, b: string): boolean;
  close(): Promise<void>;
};

type Wire = { readonly caller: string; readonly called: string; readonly sockets: readonly [Socket, Socket] };

const NONE: Fault = { kind: 'none' };

export function createNetwork(): Network {
  const servers = new Map<string, Server>();
  const pids = new Map<number, string>();
  const faults = new Map<string, Fault>();
  const wires = new Set<Wire>();
  const between = (from: string, to: string): Fault => faults.get(`${from} ${to}`) ?? NONE;
  const isCut = (a: string, b: string): boolean => between(a, b).kind === 'cut' || between(b, a).kind === 'cut';

  function end(wire: Wire): void {
    wires.delete(wire);
    for (const socket of wire.sockets) socket.destroy();
  }

  function pass(from: Socket, to: Socket, sender: string, receiver: string): void {
    from.on('data', (bytes: Buffer) => {
      const fault = between(sender, receiver);
      if (fault.kind === 'half-open') return;
      if (fault.kind === 'flip') {
        bytes[0] = (bytes[0] ?? 0) ^ 1;
        faults.delete(`${sender} ${receiver}`);
      }
      const waitMs =
        fault.kind === 'delay'
          ? fault.ms
          : fault.kind === 'throttle'
            ? (bytes.length / fault.bytesPerSecond) * 1_000
            : 0;
      if (waitMs === 0 && !from.isPaused()) return void to.write(bytes);
      // In order: nothing more is read until this has gone.
      from.pause();
      setTimeout(() => {
        to.write(bytes);
        from.resume();
      }, waitMs);
    });
  }

  /** One connection of a device that is known now. */
  function accept(called: string, port: number, socket: Socket): void {
    const caller = callerOf(socket.remotePort ?? 0, pids);
    if (caller === undefined || isCut(caller, called)) return void socket.destroy();
    const other = connect(port, '127.0.0.1');
    const wire: Wire = { caller, called, sockets: [socket, other] };
    wires.add(wire);
    for (const each of wire.sockets)
      each
        .setNoDelay(true)
        .on('error', () => end(wire))
        .on('close', () => end(wire));
    pass(socket, other, caller, called);
    pass(other, socket, called, caller);
  }

  return {
    async add(name) {
      const listenPort = await freePort();
      const server = createServer((socket) =>
        accept(
          name,
          listenPort,
          socket.on('error', () => undefined),
        ),
      );
      servers.set(name, server);
      await once(server.listen(0, '127.0.0.1'), 'listening');
      return { address: `/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}`, listenPort };
    },
    runs: (name, pid) => void pids.set(pid, name),
    set(from, to, fault) {
      faults.set(`${from} ${to}`, fault);
      for (const wire of wires) if (isCut(wire.caller, wire.called)) end(wire);
    },
    heal() {
      // What was half open stays so until its ends give it up: its bytes are lost.
      const lossy = [...wires].filter(({ caller, called }) =>
        [between(caller, called), between(called, caller)].some(({ kind }) => kind === 'half-open'),
      );
      faults.clear();
      for (const wire of lossy) end(wire);
    },
    joins: (a, b) =>
      [...wires].some(({ caller, called }) => [caller, called].toSorted().join() === [a, b].toSorted().join()),
    async close() {
      for (const wire of wires) end(wire);
      for (const server of servers.values()) server.close();
    },
  };
}

/** Whose socket has this local port: `/proc/net/tcp` names its inode, and the program has it among its files. */
function callerOf(port: number, pids: ReadonlyMap<number, string>): string | undefined {
  const wanted = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const row = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .find((columns) => columns[1] === wanted);
  const link = `socket:[${row?.[9]}]`;
  for (const [pid, name] of pids) {
    try {
      for (const file of readdirSync(`/proc/${pid}/fd`)) if (linkOf(`/proc/${pid}/fd/${file}`) === link) return name;
    } catch {
      // It has ended.
    }
  }
  return undefined;
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
