/** What `ws` makes of each client that has come: it knows its connection, so that the same listeners serve all of them. */
import { WebSocket } from 'ws';

/** What a WebSocket tells its connection. */
export type Heard = {
  heard(): void;
  received(message: Uint8Array, isBinary: boolean): void;
  broke(reason: string): void;
  closed(): void;
};

export class ConnectedWebSocket extends WebSocket {
  connection?: Heard;
}
