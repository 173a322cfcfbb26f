/**
 * For tests: the API of a device on a machine of the lab, from outside of it. Sockets with a path are of the disk, not
 * of the network, so a small program on the machine hands on what comes by one. What the device sees is a caller on its
 * own machine.
 */
import { once } from 'node:events';
import { request } from 'node:http';
import { RunEventSchema, type RunEvent } from '@markco/protocol';
import { WebSocket } from 'ws';
import type { Machine } from './lab.ts';

export const API_PORT = 7717;
const PROGRAM = `
const { connect, createServer } = require('node:net');
createServer((outside) => {
  const inside = connect(Number(process.argv[2]), '127.0.0.1');
  for (const [one, other] of [[outside, inside], [inside, outside]]) one.pipe(other).on('error', () => undefined), one.on('error', () => other.destroy());
}).listen(process.argv[1], () => console.log('ready'));
`;

export type Answer = { readonly status: number; readonly text: string };
export type Asking = {
  readonly method?: string | undefined;
  readonly body?: unknown;
  readonly token: string;
  readonly port?: number;
};

/** It ends with the machine. */
export async function bridgeTo(machine: Machine, socketPath: string, port = API_PORT): Promise<void> {
  const args = ['-e', PROGRAM, socketPath, String(port)];
  const child = machine.spawn(process.execPath, args, { env: { PATH: process.env['PATH'] } });
  if (child.stdout !== null) await once(child.stdout, 'data');
}

/** Rejects where no device answers. */
export function askThrough(
  socketPath: string,
  path: string,
  { method, body, token, port = API_PORT }: Asking,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const headers = {
    host: `127.0.0.1:${port}`,
    authorization: `Bearer ${token}`,
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  };
  const asked = request({ socketPath, path, method: method ?? (body === undefined ? 'GET' : 'POST'), headers });
  asked.on('error', reject);
  asked.on('response', (response) => {
    let text = '';
    response.on('data', (chunk: Buffer) => (text += chunk.toString()));
    response.on('error', reject);
    response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
  });
  asked.end(body === undefined ? undefined : JSON.stringify(body));
  return promise;
}

/** All that a run has said, from the first event to its end. Rejects where the device ends it before. */
export async function eventsThrough(socketPath: string, runId: string, token: string): Promise<readonly RunEvent[]> {
  const { promise, resolve, reject } = Promise.withResolvers<readonly RunEvent[]>();
  const events: RunEvent[] = [];
  const path = `/api/runs/${runId}/events?token=${token}`;
  const socket = new WebSocket(`ws+unix:${socketPath}:${path}`, { headers: { host: `127.0.0.1:${API_PORT}` } });
  socket.on('error', reject);
  socket.on('message', (data: Buffer) => events.push(RunEventSchema.parse(JSON.parse(data.toString()))));
  socket.on('close', (code) => (code === 1000 ? resolve(events) : reject(new Error(`closed with ${code}`))));
  return promise;
}
