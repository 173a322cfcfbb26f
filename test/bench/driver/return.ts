/** Jobs about many documents that come back after a dropped connection, nothing having changed. */
import { openClient, type Socket } from '@markco/client';
import type { DocumentId, ProjectId } from '@markco/protocol';
import { randomBytes } from 'node:crypto';
import type { Socket as TcpSocket } from 'node:net';
import { WebSocket } from 'ws';
import * as Y from 'yjs';
import type { Address } from '../servers/server.ts';
import { delay, within } from '../wait.ts';
import { pasted } from './typing.ts';
import { connect, type Wire } from './wire.ts';

export type CameBack = { readonly ms: number; readonly bytes: number; readonly firstMs: number };

const LIMIT_MS = 120_000;
const AWAY_MS = 1_500;
const CLIENT = 7;
/** The port that discards: nobody listens there. */
const NOWHERE = 'ws://127.0.0.1:9';

/** A socket a document, as the y-websocket provider does it. */
export async function returnBySockets({
  addresses,
  length,
}: {
  readonly addresses: readonly Address[];
  readonly length: number;
}): Promise<CameBack> {
  const update = pasted(CLIENT, length);
  const docs = addresses.map(() => {
    const doc = new Y.Doc();
    Y.applyUpdate(doc, update);
    return doc;
  });
  const all = (): Wire[] =>
    addresses.map((address, at) =>
      connect(address, {
        stateVector: () => Y.encodeStateVector(docs[at] ?? new Y.Doc()),
        missing: (vector) => Y.encodeStateAsUpdate(docs[at] ?? new Y.Doc(), vector),
        onUpdate: (bytes) => Y.applyUpdate(docs[at] ?? new Y.Doc(), bytes),
      }),
    );
  const answeredAll = async (wires: readonly Wire[]): Promise<void> => {
    await within('all documents being there', LIMIT_MS, Promise.all(wires.map(({ answered }) => answered)));
  };
  const firstBegan = performance.now();
  const first = all();
  await answeredAll(first);
  const firstMs = performance.now() - firstBegan;
  await delay(AWAY_MS);
  await Promise.all(first.map((wire) => wire.cut()));
  await delay(AWAY_MS);
  const began = performance.now();
  const again = all();
  await answeredAll(again);
  const ms = performance.now() - began;
  // What comes after the first answer counts as well.
  await delay(AWAY_MS);
  const bytes = again.reduce((sum, wire) => sum + wire.bytes().down + wire.bytes().up, 0);
  await Promise.all(again.map((wire) => wire.cut()));
  return { ms, bytes, firstMs };
}

/** MarkCo's own client: one socket for all. */
export async function returnByStream(input: {
  readonly origin: string;
  readonly token: string;
  readonly projectId: string;
  readonly documentIds: readonly string[];
  /** How long it is gone. */
  readonly awayMs?: number;
}): Promise<CameBack> {
  let tcp: TcpSocket | undefined;
  let isAway = false;
  let current: WebSocket | undefined;
  const client = openClient({
    origin: input.origin,
    token: input.token,
    webSocket(url) {
      const ws = new WebSocket(isAway ? NOWHERE : url, { perMessageDeflate: false });
      current = ws;
      ws.on('upgrade', (response) => {
        tcp = response.socket;
      });
      return ws as unknown as Socket;
    },
    fetch,
    now: () => Date.now(),
    randomBytes,
  });
  const firstBegan = performance.now();
  const documents = input.documentIds.map((id) =>
    client.openDocument({ projectId: input.projectId as ProjectId, documentId: id as DocumentId }),
  );
  const allSynced = (): Promise<unknown> =>
    within(
      'all documents being there',
      LIMIT_MS,
      Promise.all(
        documents.map(
          ({ status }) =>
            new Promise<void>((resolve) => {
              if (status.get().synced) resolve();
              const stop = status.subscribe(() => {
                if (!status.get().synced) return;
                stop();
                resolve();
              });
            }),
        ),
      ),
    );
  await allSynced();
  const firstMs = performance.now() - firstBegan;
  await delay(AWAY_MS);
  const gone = new Promise<void>((resolve) => current?.once('close', () => resolve()));
  isAway = true;
  current?.terminate();
  await gone;
  await delay(input.awayMs ?? 10);
  isAway = false;
  const began = performance.now();
  const back = allSynced();
  client.reconnect();
  await back;
  const ms = performance.now() - began;
  await delay(AWAY_MS);
  const bytes = (tcp?.bytesRead ?? 0) + (tcp?.bytesWritten ?? 0);
  await client.close();
  return { ms, bytes, firstMs };
}
