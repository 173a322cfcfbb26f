/**
 * The one socket of a client, and the only place that waits and tries again.
 *
 * Tries are 0.25 s apart at first and at most 10 s, with some chance in them so that many pages do not come back in
 * the same instant. A device that refuses the sign-in is not asked again.
 */
import type { Connection } from './client.ts';
import { createFact, type Fact } from './fact.ts';

/** What of the WebSocket interface is used; browsers and Node have it. */
export type Socket = {
  binaryType: string;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(): void;
  onopen: ((event: unknown) => void) | null;
  onclose: ((event: unknown) => void) | null;
  onerror: ((event: unknown) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
};

export type ReconnectingParts = {
  readonly connect: () => Socket;
  /** Asked after a try that never opened: whether the device refuses this client. */
  readonly refused: () => Promise<boolean>;
  readonly now: () => number;
  /** 0 ≤ x < 1. */
  readonly chance: () => number;
  readonly onOpen: () => void;
  readonly onClose: () => void;
  readonly onText: (text: string) => void;
  readonly onBytes: (bytes: Uint8Array) => void;
};

const FIRST_DELAY_MS = 250;
const DELAY_MAX_MS = 10_000;

export type Reconnecting = {
  readonly connection: Fact<Connection>;
  readonly isOpen: () => boolean;
  /** Resolves once the try that is under way has opened or failed; at once when there is none. */
  tried(): Promise<void>;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  reconnect(): void;
  close(): void;
};

export function createReconnecting(parts: ReconnectingParts): Reconnecting {
  const connection = createFact<Connection>({ state: 'connecting', since: parts.now() });
  let socket: Socket | undefined;
  let open = false;
  let closed = false;
  let failures = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let trial = Promise.withResolvers<void>();

  function start(): void {
    clearTimeout(timer);
    timer = undefined;
    if (closed || socket !== undefined) return;
    if (connection.get().state !== 'offline') connection.set({ state: 'connecting', since: parts.now() });
    const trying = parts.connect();
    let opened = false;
    const over = Promise.withResolvers<void>();
    trial = over;
    trying.binaryType = 'arraybuffer';
    socket = trying;
    trying.onopen = () => {
      opened = true;
      open = true;
      failures = 0;
      connection.set({ state: 'online', since: parts.now() });
      over.resolve();
      parts.onOpen();
    };
    trying.onmessage = ({ data }) => {
      if (typeof data === 'string') parts.onText(data);
      else if (data instanceof ArrayBuffer) parts.onBytes(new Uint8Array(data));
    };
    trying.onerror = () => {};
    trying.onclose = () => {
      over.resolve();
      if (socket !== trying) return;
      socket = undefined;
      open = false;
      if (opened) parts.onClose();
      void later(opened);
    };
  }

  async function later(opened: boolean): Promise<void> {
    if (closed) return;
    const before = connection.get();
    const since = before.state === 'offline' ? before.since : parts.now();
    if (!opened && (await parts.refused())) {
      connection.set({ state: 'offline', since, reason: 'signed-out', refused: true });
      return;
    }
    if (closed || socket !== undefined) return;
    const delay = Math.min(DELAY_MAX_MS, FIRST_DELAY_MS * 2 ** Math.min(failures++, 10)) * (0.75 + parts.chance() / 2);
    connection.set({ state: 'offline', since, reason: 'not-reachable', retryAt: parts.now() + delay });
    timer = setTimeout(start, delay);
  }

  start();

  return {
    connection,
    isOpen: () => open,
    tried: () => trial.promise,
    send(data) {
      if (open) socket?.send(data);
    },
    reconnect() {
      failures = 0;
      start();
    },
    close() {
      closed = true;
      clearTimeout(timer);
      trial.resolve();
      socket?.close();
    },
  };
}
