/** `WS /sync/:userId/:project/:docPath`: one document on one socket, for any y-protocols client. */
import type { DocumentId } from '@markco/protocol';
import type { WebSocket } from 'ws';
import type { Rooms } from '../documents/rooms.ts';
import type { Connection } from './connection.ts';
import { joinDocument, type DocumentTiming } from './document-member.ts';
import { messageBytes } from './message.ts';

export function serveSyncSocket(
  ws: WebSocket,
  connection: Connection,
  rooms: Rooms,
  timing: DocumentTiming,
  documentId: DocumentId,
  readOnly: boolean,
): void {
  const member = joinDocument({
    rooms,
    timing,
    documentId,
    readOnly,
    write(frame) {
      if (connection.behind()) return false;
      connection.write(frame.asWebSocketMessage());
      return true;
    },
    refuse: (failure) => connection.refuse(failure),
    welcome: (room, joined) => room.greet(joined),
  });
  ws.on('message', (data) => member.receive(messageBytes(data)));
  connection.onDrain(() => member.caughtUp());
  connection.onClose(() => member.leave());
}
