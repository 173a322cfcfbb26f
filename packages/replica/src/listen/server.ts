/**
 * One listener: HTTP and WebSockets on one port.
 *
 * A WebSocket is refused or accepted in the turn its request arrives, from what is in memory, so that its message
 * listener exists before anything is awaited. One with a ticket waits until that was looked for: its client says nothing
 * before it is accepted.
 */
import { Failure, LIMITS } from '@markco/protocol';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { ConnectedWebSocket } from './connected-web-socket.ts';
import { createConnection, type Connections, type OpenConnection, type WebSocketConnection } from './connection.ts';
import type { Guard, Subject } from './guard.ts';
import { createJoinMessages } from './join-messages.ts';
import { createPings } from './pings.ts';
import type { Tickets } from './tickets.ts';
import { createTurnEnd } from './turn-end.ts';

/** @template Target where a WebSocket leads, by its `kind` */
export type ServerParts<Target extends { readonly kind: string }> = {
  readonly guard: Guard;
  readonly tickets: Pick<Tickets, 'admit'>;
  readonly http: RequestListener;
  /** Where a signed-in WebSocket wants to go. Throws a Failure for what does not exist. */
  readonly resolve: (url: URL, subject: Subject) => Target;
  readonly serve: (target: Target, connection: WebSocketConnection, subject: Subject) => void;
  /** Whether a WebSocket goes on to another program instead, whoever comes with it. Throws for what may not. */
  readonly passOn?: (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean;
  readonly onSocket: (kind: Target['kind'], change: 1 | -1) => void;
  readonly onSocketError: (reason: string) => void;
  /** WebSockets that are open at once; where nothing is said, as many as a device has. */
  readonly socketsMax?: number;
};

export async function listen<Target extends { readonly kind: string }>(
  parts: ServerParts<Target>,
  port: number,
  host: string,
): Promise<{
  server: Server;
  /** @param code what WebSockets are closed with: 1001, or 1012 where the same is to be had elsewhere */
  close(code?: 1001 | 1012): Promise<void>;
}> {
  const server = createServer(parts.http);
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: LIMITS.messageBytesMax,
    perMessageDeflate: false,
    clientTracking: false,
    WebSocket: ConnectedWebSocket,
  });
  const open = new Set<OpenConnection>();
  const pings = createPings(open);
  const connections: Connections<Target['kind']> = {
    open,
    join: createJoinMessages(),
    atTurnEnd: createTurnEnd(),
    nextPing: () => pings.next(),
    onTrouble: parts.onSocketError,
    onClose: (kind) => parts.onSocket(kind, -1),
    now: () => performance.now(),
  };

  server.on('upgrade', (request, socket, head) => {
    socket.on('error', destroy);
    const refuse = (error: unknown): void => {
      const failure = Failure.from(error);
      parts.onSocketError(failure.code);
      reject(socket, failure);
    };
    try {
      const foreign = parts.guard.foreign(request.headers, false);
      if (foreign !== undefined) throw foreign;
      if (parts.passOn?.(request, socket, head) === true) return;
      const url = addressOf(request);
      const accept = (subject: Subject, asked = url): void => upgrade(request, socket, head, asked, subject);
      const admitted = parts.tickets.admit(url);
      if (admitted === undefined) accept(parts.guard.subject(request.headers, url.searchParams));
      else admitted.then(({ subject, url: asked }) => accept(subject, asked)).catch(refuse);
    } catch (error) {
      refuse(error);
    }
  });

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, url: URL, subject: Subject): void {
    if (open.size >= (parts.socketsMax ?? LIMITS.socketsMax))
      throw new Failure('not_ready', 'Too many connections are open here. Close some.');
    const target = parts.resolve(url, subject);
    sockets.handleUpgrade(request, socket, head, (ws) => {
      if ('setNoDelay' in socket && typeof socket.setNoDelay === 'function') socket.setNoDelay(true);
      const connection = createConnection(socket, ws, connections, target.kind);
      parts.onSocket(target.kind, 1);
      parts.serve(target, connection, subject);
    });
  }

  await new Promise<void>((resolve, rejected) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      rejected(
        cause.code === 'EADDRINUSE'
          ? new Failure('conflict', `Port ${port} is in use by another program. Set MARKCO_PORT to another one.`, {
              cause,
            })
          : new Failure('internal', `Cannot listen on ${host}:${port}.`, { cause }),
      );
    });
    server.listen(port, host, resolve);
  });

  return {
    server,
    async close(code = 1001) {
      const reason = code === 1001 ? 'This stops now.' : 'This stops now. Connect again: another one goes on.';
      for (const connection of open) connection.close(code, reason);
      pings.stop();
      const gone = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const cut = setTimeout(() => {
        for (const connection of open) connection.cut();
        server.closeAllConnections();
      }, 1_000);
      await gone;
      clearTimeout(cut);
    },
  };
}

/** A function of its own: one made where the request is at hand would keep that as long as the socket. */
function destroy(this: Duplex): void {
  this.destroy();
}

/** Only the path and what follows it: whatever else a request line names is none of ours. */
function addressOf(request: IncomingMessage): URL {
  const url = URL.parse(`http://device${request.url ?? '/'}`);
  if (url === null || url.host !== 'device')
    throw new Failure('bad_request', 'The address of the WebSocket is not understood.');
  return url;
}

function reject(socket: Duplex, failure: Failure): void {
  const body = JSON.stringify(failure.toBody());
  socket.end(
    [
      `HTTP/1.1 ${failure.status} Refused`,
      'content-type: application/json',
      'connection: close',
      `content-length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n'),
  );
}
