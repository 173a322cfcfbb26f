/**
 * A raw client of one document: `ws` and the bytes of y-protocols, nothing in between, the same for every server.
 *
 * It keeps no document; whoever uses it decides what to do with an update.
 */
import { Awareness, encodeAwarenessUpdate } from 'y-protocols/awareness';
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import * as Y from 'yjs';
import type { Address } from '../servers/server.ts';

export type Wire = {
  /** The connection is there, and signed in. */
  readonly opened: Promise<void>;
  /** The first answer (sync step 2) is there; it may be empty. */
  readonly answered: Promise<void>;
  sendUpdate(update: Uint8Array): void;
  /** Bytes on the TCP connection so far, both ways. */
  bytes(): { readonly down: number; readonly up: number };
  /** Cuts the connection without a farewell. */
  cut(): Promise<void>;
};

export type WireEvents = {
  /** The state vector to ask with; default: nothing is there. */
  readonly stateVector?: () => Uint8Array;
  /** What the server lacks, for its own question; default: nothing. */
  readonly missing?: (stateVector: Uint8Array) => Uint8Array;
  readonly onUpdate?: (update: Uint8Array) => void;
  /** MarkCo only: so many of the updates sent are on disk. */
  readonly onSaved?: (count: number) => void;
};

const EMPTY = Uint8Array.of(0, 0);
const EMPTY_VECTOR = Uint8Array.of(0);

export function connect({ dialect, url, name, token, host }: Address, events: WireEvents = {}): Wire {
  const ws = new WebSocket(url, {
    perMessageDeflate: false,
    ...(host === undefined ? {} : { headers: { host } }),
  });
  const opened = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  opened.promise.catch(() => {});
  answered.promise.catch(() => {});
  let tcp: Socket | undefined;
  ws.on('upgrade', (response) => {
    tcp = response.socket;
  });
  // Hocuspocus begins every message with the name of the document it is about.
  const prefix =
    dialect === 'hocuspocus' ? encoding.encode((encoder) => encoding.writeVarString(encoder, name)) : new Uint8Array();

  function send(write: (encoder: encoding.Encoder) => void): void {
    const encoder = encoding.createEncoder();
    encoding.writeUint8Array(encoder, prefix);
    write(encoder);
    ws.send(encoding.toUint8Array(encoder));
  }

  function sendSync(type: number, bytes: Uint8Array): void {
    send((encoder) => {
      encoding.writeVarUint(encoder, 0);
      encoding.writeVarUint(encoder, type);
      encoding.writeVarUint8Array(encoder, bytes);
    });
  }

  function greet(): void {
    opened.resolve();
    sendSync(0, events.stateVector?.() ?? EMPTY_VECTOR);
    const awareness = presence();
    send((encoder) => {
      encoding.writeVarUint(encoder, 1);
      encoding.writeVarUint8Array(encoder, awareness);
    });
  }

  ws.on('open', () => {
    if (dialect === 'y-protocols') {
      greet();
      return;
    }
    send((encoder) => {
      encoding.writeVarUint(encoder, 2);
      encoding.writeVarUint(encoder, 0);
      encoding.writeVarString(encoder, token);
    });
  });
  ws.on('message', (data: Buffer) => {
    const decoder = decoding.createDecoder(data);
    if (dialect === 'hocuspocus') decoding.readVarString(decoder);
    switch (decoding.readVarUint(decoder)) {
      case 0:
      case 4: {
        const type = decoding.readVarUint(decoder);
        const bytes = decoding.readVarUint8Array(decoder);
        if (type === 0) {
          sendSync(1, events.missing?.(bytes) ?? EMPTY);
          return;
        }
        if (bytes.length > EMPTY.length) events.onUpdate?.(bytes);
        if (type === 1) answered.resolve();
        return;
      }
      case 2: {
        const type = decoding.readVarUint(decoder);
        if (type === 0x4d) events.onSaved?.(decoding.readVarUint(decoder));
        else if (dialect === 'hocuspocus' && type === 2) greet();
        else if (type <= 1) ws.terminate();
        return;
      }
      default:
    }
  });
  ws.on('error', (error) => {
    opened.reject(error);
    answered.reject(error);
  });
  ws.on('close', (code, reason) => {
    const gone = new Error(`the server closed ${name}: ${code} ${reason.toString()}`);
    opened.reject(gone);
    answered.reject(gone);
  });

  return {
    opened: opened.promise,
    answered: answered.promise,
    sendUpdate: (update) => sendSync(2, update),
    bytes: () => ({ down: tcp?.bytesRead ?? 0, up: tcp?.bytesWritten ?? 0 }),
    cut: () =>
      new Promise((resolve) => {
        if (ws.readyState === ws.CLOSED) resolve();
        else ws.once('close', () => resolve());
        ws.terminate();
      }),
  };
}

/** One person's presence, as an editor sends it when it opens a document. */
function presence(): Uint8Array {
  const doc = new Y.Doc();
  const awareness = new Awareness(doc);
  awareness.setLocalState({ user: { name: 'bench', color: '#888' } });
  const update = encodeAwarenessUpdate(awareness, [doc.clientID]);
  awareness.destroy();
  doc.destroy();
  return update;
}

/** How far an update brings one client's clock. */
export function clockAfter(update: Uint8Array, client: number): number {
  return Y.parseUpdateMeta(update).to.get(client) ?? 0;
}

/**
 * The same for letters typed one at a time by one client, of which every struct is one letter, merged or not: read
 * from the first bytes, so that the driver costs little beside the server.
 */
export function clockAfterLetters(update: Uint8Array): number {
  const decoder = decoding.createDecoder(update);
  if (decoding.readVarUint(decoder) !== 1) throw new Error('letters of one client were expected');
  const structs = decoding.readVarUint(decoder);
  decoding.readVarUint(decoder);
  return decoding.readVarUint(decoder) + structs;
}
