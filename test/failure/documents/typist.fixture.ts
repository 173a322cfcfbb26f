/** One document over `WS /sync/…`, by the bytes of the protocol alone, and what the device said about it. */
import { once } from 'node:events';
import { decodeFrame, encodeFrame } from '@markco/protocol';
import type { WebSocket } from 'ws';
import * as Y from 'yjs';
import type { Device } from '../../conformance/device.fixture.ts';

export type Typist = {
  readonly doc: Y.Doc;
  /** When the device last said that something is saved (`performance.now()`). */
  savedAt(): number;
  /** Markers that the device has said are on its disk. */
  saved(): ReadonlySet<string>;
  text(): string;
  type(marker: string): void;
  close(): void;
};

/** Resolves once the whole document is here; rejects when the device refuses. */
export async function sitDown(device: Device, path: string): Promise<Typist> {
  const socket: WebSocket = device.socket(`/sync/${device.userId}/${device.project.slug}/${path}`);
  socket.binaryType = 'nodebuffer';
  const closed = once(socket, 'close').then(([code, reason]) => {
    throw new Error(`the device closed with ${code}: ${String(reason)}`);
  });
  closed.catch(() => {});
  socket.on('error', () => {});
  const doc = new Y.Doc({ guid: path });
  const saved = new Set<string>();
  /** The markers up to each message that was sent. */
  const messages: string[][] = [];
  let acknowledged = 0;
  let savedAt = 0;
  const send = (frame: Uint8Array): void => {
    if (socket.readyState === socket.OPEN) socket.send(frame);
  };
  const { promise: whole, resolve } = Promise.withResolvers<void>();
  socket.on('message', (data: Buffer) => {
    const frame = decodeFrame(data);
    if (frame.type === 'step1') {
      messages.push([]);
      send(encodeFrame({ type: 'step2', update: Y.encodeStateAsUpdate(doc, frame.stateVector) }));
    } else if (frame.type === 'update' || frame.type === 'step2') {
      Y.applyUpdate(doc, frame.update, 'device');
      if (frame.type === 'step2') resolve();
    } else if (frame.type === 'saved') {
      savedAt = performance.now();
      for (; acknowledged < frame.count; acknowledged++)
        for (const marker of messages[acknowledged] ?? []) saved.add(marker);
    }
  });
  let typing: string[] = [];
  doc.on('update', (update: Uint8Array, origin: unknown) => {
    if (origin === 'device') return;
    messages.push(typing);
    send(encodeFrame({ type: 'update', update }));
  });
  await Promise.race([once(socket, 'open'), closed]);
  send(encodeFrame({ type: 'step1', stateVector: Y.encodeStateVector(doc) }));
  await Promise.race([whole, closed]);
  return {
    doc,
    savedAt: () => savedAt,
    saved: () => saved,
    text: () => doc.getText('content').toString(),
    type(marker) {
      typing = [marker];
      const text = doc.getText('content');
      text.insert(text.length, marker);
    },
    close: () => socket.terminate(),
  };
}

/** Markers are `⟦name⟧`; those of a text, and how often each is there. */
export function markersIn(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const [marker] of text.matchAll(/⟦[^⟦⟧]*⟧/g)) found.set(marker, (found.get(marker) ?? 0) + 1);
  return found;
}
