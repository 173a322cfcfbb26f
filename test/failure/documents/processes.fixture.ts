/** For tests: somebody who types with a stock client at whichever process of a cloud takes the connection. */
import { WebSocket } from 'ws';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';

export type Typist = {
  readonly provider: WebsocketProvider;
  readonly doc: Y.Doc;
  text(): string;
  /** Writes a marker that nobody else writes. */
  type(): void;
  readonly typed: readonly string[];
  /** How many of them a process has said are saved. */
  acknowledged(): number;
};

export type Door = { readonly origin: string; readonly token: string };

/** @param door a process that is thought to be up, for each connection anew */
export function sitDown(name: string, path: string, door: () => Door): Typist {
  const typed: string[] = [];
  let acknowledged = 0;

  /** Notes what each message holds, and what is said to be saved. */
  class Noting extends WebSocket {
    /** How many markers were typed when each message with edits was sent. */
    readonly #covers: number[] = [];

    constructor(address: string) {
      const { origin, token } = door();
      super(`${origin.replace('http', 'ws')}${new URL(address).pathname}?token=${token}`);
      this.on('message', (data: Buffer) => {
        const bytes = new Uint8Array(data);
        if (bytes[0] !== 2 || bytes[1] !== 0x4d) return;
        const count = bytes.subarray(2).reduceRight((value, byte) => value * 0x80 + (byte & 0x7f), 0);
        acknowledged = Math.max(acknowledged, this.#covers[count - 1] ?? 0);
      });
    }

    override send(data: Uint8Array): void {
      if (data[0] === 0 && (data[1] === 1 || data[1] === 2)) this.#covers.push(typed.length);
      super.send(data);
    }
  }

  const doc = new Y.Doc();
  const provider = new WebsocketProvider('ws://cloud', path, doc, {
    WebSocketPolyfill: Noting as unknown as typeof globalThis.WebSocket,
    disableBc: true,
    maxBackoffTime: 500,
  });
  const text = doc.getText('content');
  return {
    ...{ provider, doc, typed },
    text: () => text.toString(),
    type() {
      const marker = `⟦${name}.${typed.length}⟧`;
      typed.push(marker);
      // Never inside of another marker.
      text.insert(typed.length % 2 === 0 ? 0 : text.length, marker);
    },
    acknowledged: () => acknowledged,
  };
}

/** How often each marker is in a text. */
export function markersIn(text: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const [marker] of text.matchAll(/⟦[^⟧]*⟧/g)) counts.set(marker, (counts.get(marker) ?? 0) + 1);
  return counts;
}
