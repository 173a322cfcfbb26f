/** `WS /sync/:userId/:project/:docPath`: one document on one socket, for any y-protocols client. */
import type { DocumentId } from '@markco/protocol';
import type { Rooms } from '../documents/rooms.ts';
import type { WebSocketConnection } from './connection.ts';
import { joinDocument, type DocumentTiming } from './document-member.ts';

export function serveSyncSocket(
  connection: WebSocketConnection,
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
  connection.onBytes((message) => member.receive(message));
  connection.onDrain(() => member.caughtUp());
  connection.onClose(() => member.leave());
}
