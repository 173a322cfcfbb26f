/** The sockets to a kernel: requests go out, what it sends comes in parsed, in order on each channel. */
import { randomUUID } from 'node:crypto';
import { Dealer, Subscriber } from 'zeromq';
import type { Channel, Connection } from './connection.ts';
import { decode, encode, type KernelMessage } from './wire.ts';

export type Channels = {
  /** Sends a request and gives its id. */
  send(channel: 'shell' | 'control', type: string, content: Readonly<Record<string, unknown>>): string;
  /** Answers what came on `stdin`. */
  reply(to: KernelMessage, type: string, content: Readonly<Record<string, unknown>>): void;
  close(): void;
};

/** A kernel binds its sockets in its own time; each is tried again this often until it has. */
const RECONNECT_MS = 5;
/** Output that waits to be read here. A kernel that is further ahead drops its own output, as ZeroMQ does. */
const MESSAGES_WAITING_MAX = 100_000;

export function openChannels(
  connection: Connection,
  onMessage: (channel: Channel, message: KernelMessage) => void,
): Channels {
  const session = randomUUID();
  const options = { linger: 0, reconnectInterval: RECONNECT_MS, receiveHighWaterMark: MESSAGES_WAITING_MAX };
  // A kernel answers on `stdin` to whoever has the name that asked on `shell`.
  const dealer = (): Dealer => new Dealer({ ...options, routingId: session, immediate: false });
  const sockets = { shell: dealer(), control: dealer(), stdin: dealer() } as const;
  const output = new Subscriber(options);
  output.subscribe();

  const turns = new Map<Dealer, Promise<void>>();
  /** A socket sends one message at a time. */
  function sendNext(socket: Dealer, frames: Buffer[]): void {
    const turn = (turns.get(socket) ?? Promise.resolve()).then(() => socket.send(frames)).catch(() => undefined);
    turns.set(socket, turn);
  }

  function header(type: string) {
    const date = new Date(performance.timeOrigin + performance.now()).toISOString();
    return { msg_id: randomUUID(), session, username: 'markco', date, msg_type: type, version: '5.3' } as const;
  }

  async function read(channel: Channel, socket: Dealer | Subscriber): Promise<void> {
    for await (const frames of socket) {
      const message = decode(connection.key, frames);
      if (message !== null) onMessage(channel, message);
    }
  }

  for (const [channel, socket] of [...Object.entries(sockets), ['iopub', output] as const]) {
    socket.connect(connection.endpoint(channel as Channel));
    // Ends when the socket is closed.
    read(channel as Channel, socket).catch(() => undefined);
  }

  return {
    send(channel, type, content) {
      const made = header(type);
      sendNext(sockets[channel], encode(connection.key, made, content));
      return made.msg_id;
    },
    reply: (to, type, content) => sendNext(sockets.stdin, encode(connection.key, header(type), content, to.header)),
    close() {
      for (const socket of [...Object.values(sockets), output]) socket.close();
    },
  };
}
