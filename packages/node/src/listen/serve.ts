/** What a WebSocket is served with, by where its address leads. */
import type { RunId } from '@markco/protocol';
import type { Rooms } from '@markco/replica/documents/rooms';
import type { WebSocketConnection } from '@markco/replica/listen/connection';
import type { DocumentTiming } from '@markco/replica/listen/document-member';
import { serveStream, type StreamParts } from '@markco/replica/listen/stream';
import { serveSyncSocket } from '@markco/replica/listen/sync-socket';
import type { SocketTarget } from './resolve.ts';
import { serveRunSocket } from './run-socket.ts';

type Follow = StreamParts['follow'];

export function createServe({
  rooms,
  timing,
  runs,
  stream,
}: {
  readonly rooms: Rooms;
  readonly timing: DocumentTiming;
  readonly runs: { require(id: RunId): Promise<unknown>; readonly follow: Follow; readonly stored: Follow };
  readonly stream: () => StreamParts;
}): (target: SocketTarget, connection: WebSocketConnection) => void {
  return (target, connection) => {
    if (target.kind === 'stream') serveStream(connection, stream());
    else if (target.kind === 'sync') serveSyncSocket(connection, rooms, timing, target.documentId, target.readOnly);
    else
      void serveRunSocket(
        connection,
        async (id) => void (await runs.require(id)),
        target.live ? runs.follow : runs.stored,
        target.runId as RunId,
        target.fromSeq,
      );
  };
}
