/** `WS /sync/:userId/:project/:docPath`: one document on one socket, for any y-protocols client. */
import type { DocumentId, Failure } from '@markco/protocol';
import type { OutFrame } from '../documents/out-frame.ts';
import type { Room } from '../documents/room.ts';
import type { Rooms } from '../documents/rooms.ts';
import type { Member } from '../documents/seat.ts';
import type { WebSocketConnection } from './connection.ts';
import { joinDocument, type DocumentMemberParts, type DocumentTiming } from './document-member.ts';

export function serveSyncSocket(
  connection: WebSocketConnection,
  rooms: Rooms,
  timing: DocumentTiming,
  documentId: DocumentId,
  readOnly: boolean,
): void {
  const member = joinDocument(new SyncSocket(connection, rooms, timing, documentId, readOnly));
  connection.onBytes((message) => member.receive(message));
  connection.onDrain(() => member.caughtUp());
  connection.onClose(() => member.leave());
}

/** A class, as `JoinedDocument` is one. */
class SyncSocket implements DocumentMemberParts {
  readonly rooms: Rooms;
  readonly timing: DocumentTiming;
  readonly documentId: DocumentId;
  readonly readOnly: boolean;
  readonly #connection: WebSocketConnection;

  constructor(
    connection: WebSocketConnection,
    rooms: Rooms,
    timing: DocumentTiming,
    documentId: DocumentId,
    readOnly: boolean,
  ) {
    this.#connection = connection;
    this.rooms = rooms;
    this.timing = timing;
    this.documentId = documentId;
    this.readOnly = readOnly;
  }

  write(frame: OutFrame): boolean {
    if (this.#connection.behind()) return false;
    this.#connection.write(frame.asWebSocketMessage());
    return true;
  }

  refuse(failure: Failure): void {
    this.#connection.refuse(failure);
  }

  welcome(room: Room, member: Member): void {
    room.greet(member);
  }
}
