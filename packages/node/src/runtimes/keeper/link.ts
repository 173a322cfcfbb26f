/**
 * The socket on which one host at a time talks to a keeper: the other end of `../worker-link.ts`.
 *
 * 1. A poke tells the newest state, so one that could not be sent yet is replaced by the next.
 * 2. No send waits: a host that does not read slows no program, and one that has too much waiting is let go.
 * 3. A new connection takes over; what an earlier one still had in flight is not obeyed.
 */
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { umask } from 'node:process';
import type { QuestionKind, RunId } from '@markco/protocol';

const LINE_CHARS_MAX = 8 * 1024 * 1024;
const OUTBOX_BYTES_MAX = 64 * 1024 * 1024;

/** What a host may send: see `WorkerOrder` of `../worker-link.ts`. */
export type Order =
  | { readonly op: 'execute'; readonly run: RunId; readonly code: string; readonly spool: string }
  | { readonly op: 'interrupt'; readonly run: RunId; readonly why?: string }
  | { readonly op: 'notice'; readonly run: RunId; readonly text: string }
  | { readonly op: 'input'; readonly run: RunId; readonly text: string; readonly ref: number }
  | { readonly op: 'ask'; readonly kind: QuestionKind; readonly question: unknown; readonly ref: number };

export type Link = Awaited<ReturnType<typeof openLink>>;

/** Listens. `hello` is asked for at each connection; `onOrder` gets what the newest host sends. */
export async function openLink(path: string, hello: () => object, onOrder: (order: Order) => void) {
  let host: Socket | null = null;
  let poke: object | null = null;

  function push(): void {
    if (host === null) poke = null;
    if (poke === null || host === null || host.writableLength > 0) return;
    host.write(lineOf(poke));
    poke = null;
  }

  function greet(socket: Socket): void {
    const before = host;
    host = socket;
    poke = null;
    before?.destroy();
    socket.setEncoding('utf8');
    socket.on('error', () => undefined);
    socket.on('drain', push);
    socket.on('close', () => {
      if (host === socket) host = null;
    });
    socket.write(lineOf(hello()));
    let waiting = '';
    socket.on('data', (chunk: string) => {
      const lines = (waiting + chunk).split('\n');
      waiting = lines.pop() ?? '';
      if (waiting.length > LINE_CHARS_MAX) socket.destroy();
      for (const line of lines) {
        const order = host === socket ? parse(line) : null;
        if (order === null) return void socket.destroy();
        onOrder(order);
      }
    });
  }

  rmSync(path, { force: true });
  const server = createServer(greet);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // The folder it is in is this user's alone; the mask closes the moment before `chmod` all the same.
    const mask = umask(0o177);
    server.listen(path, resolve);
    umask(mask);
  });
  chmodSync(path, 0o600);

  return {
    /** Tells the newest state, now or when the host has read what came before. */
    poke(state: object): void {
      poke = state;
      push();
    },

    /** Sends what no newer message replaces. */
    send(message: object): void {
      if (host === null) return;
      push();
      host.write(lineOf(message));
      if (host.writableLength > OUTBOX_BYTES_MAX) host.destroy();
    },
  };
}

function lineOf(message: object): string {
  return `${JSON.stringify(message)}\n`;
}

function parse(line: string): Order | null {
  try {
    const order = JSON.parse(line) as Order | null;
    return typeof order === 'object' ? order : null;
  } catch {
    return null;
  }
}
