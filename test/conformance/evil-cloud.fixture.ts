/**
 * For tests: a cloud that is hostile. Before a real one stands a layer that hears and changes all that it and a device
 * say to each other, says what it likes in the cloud's name, and can put another cloud, or an older one, in its place.
 */
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import {
  CONTROL_CHANNEL,
  decodeEntries,
  decodeToDevice,
  encodeEntries,
  encodeFrame,
  encodeToDevice,
  NO_DIGEST,
  type DeviceId,
  type DocumentId,
  type Entry,
} from '@markco/protocol';
import { WebSocket, WebSocketServer } from 'ws';

export type Said = Uint8Array | string;
/** What becomes of a message: nothing, it, others. */
type Change = (message: Said) => readonly Said[];

/** A device as the hostile cloud has it at the other end. */
export type Victim = {
  readonly deviceId: string;
  readonly isOpen: boolean;
  /** In the name of the cloud. */
  say(message: Said): void;
  /** All that the cloud has said to it since it connected. */
  readonly said: readonly Said[];
  /** On which channel it has a document open now. */
  channel(id: DocumentId): number | undefined;
  drop(): void;
};

export type EvilCloud = {
  readonly origin: string;
  /** Of what the cloud says, of what a device says; `null`: passed on as it is. */
  toDevice: ((victim: Victim) => Change) | null;
  toCloud: ((victim: Victim) => Change) | null;
  /** Which cloud a device is passed on to. */
  route: (deviceId: string) => string;
  /** As whom it greets; null: as what it is. */
  self: DeviceId | null;
  /** What the cloud calls itself. */
  readonly cloud: DeviceId | undefined;
  /** The connection of a device, the last one. */
  victim(deviceId: string): Victim | undefined;
  /** How often a device has connected. */
  connections(deviceId: string): number;
  /** Honest again. */
  reform(): void;
};

export async function startEvilCloud(honest: () => string): Promise<EvilCloud & AsyncDisposable> {
  const victims = new Map<string, Victim>();
  const counts = new Map<string, number>();
  let seen: DeviceId | undefined;
  const server = createServer((incoming, answer) => {
    const passed = request(
      new URL(incoming.url ?? '/', honest()),
      { method: incoming.method, headers: { ...incoming.headers, host: new URL(honest()).host } },
      (found) => {
        answer.writeHead(found.statusCode ?? 502, found.headers);
        found.pipe(answer);
      },
    );
    passed.on('error', () => answer.writeHead(502).end());
    incoming.pipe(passed);
  });
  const sockets = new WebSocketServer({ server, maxPayload: 64 * 1024 * 1024 });

  sockets.on('connection', (device, { headers, url = '/' }) => {
    device.on('error', () => undefined);
    device.once('message', (hello) => {
      const { deviceId } = JSON.parse(String(hello)) as { deviceId: string };
      const cloud = new WebSocket(new URL(url, evil.route(deviceId).replace('http', 'ws')), {
        headers: { authorization: headers.authorization ?? '' },
      });
      const said: Said[] = [];
      const channels = new Map<DocumentId, number>();
      const victim: Victim = {
        deviceId,
        said,
        get isOpen() {
          return device.readyState === device.OPEN;
        },
        say: (message) => device.send(message),
        channel: (id) => channels.get(id),
        drop: () => device.terminate(),
      };
      let greeted = false;
      victims.set(deviceId, victim);
      counts.set(deviceId, (counts.get(deviceId) ?? 0) + 1);
      const early: Said[] = [String(hello)];
      const toCloud = (message: Said): void => {
        noteChannels(channels, message);
        if (cloud.readyState !== cloud.OPEN) return void early.push(message);
        for (const each of greeted ? (evil.toCloud?.(victim)(message) ?? [message]) : [message]) cloud.send(each);
      };
      cloud.on('open', () => {
        for (const message of early.splice(0)) cloud.send(message);
      });
      device.on('message', (data: Buffer, isBinary) => toCloud(isBinary ? new Uint8Array(data) : String(data)));
      cloud.on('message', (data: Buffer, isBinary) => {
        const message = isBinary ? new Uint8Array(data) : String(data);
        if (!greeted) {
          greeted = true;
          const greeting = JSON.parse(String(message)) as { deviceId: DeviceId };
          seen ??= greeting.deviceId;
          device.send(JSON.stringify({ ...greeting, ...(evil.self === null ? {} : { deviceId: evil.self }) }));
          return;
        }
        said.push(message);
        for (const each of evil.toDevice?.(victim)(message) ?? [message]) if (victim.isOpen) device.send(each);
      });
      device.on('close', () => cloud.terminate());
      cloud.on('close', () => device.close());
      cloud.on('error', () => device.close());
    });
  });

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const evil: EvilCloud & AsyncDisposable = {
    origin: `http://127.0.0.1:${port}`,
    toDevice: null,
    toCloud: null,
    route: honest,
    self: null,
    get cloud() {
      return seen;
    },
    victim: (deviceId) => victims.get(deviceId),
    connections: (deviceId) => counts.get(deviceId) ?? 0,
    reform() {
      evil.toDevice = evil.toCloud = evil.self = null;
      evil.route = honest;
    },
    async [Symbol.asyncDispose]() {
      for (const client of sockets.clients) client.terminate();
      server.close();
      server.closeAllConnections();
    },
  };
  return evil;
}

const OPENER = 0;

/** Which documents a device opens and closes. */
function noteChannels(channels: Map<DocumentId, number>, message: Said): void {
  if (typeof message === 'string') return;
  for (const { channel, payload } of decodeEntries(message)) {
    if (channel !== CONTROL_CHANNEL || payload[0] !== OPENER) continue;
    const said = decodeToDevice(payload.subarray(1));
    if (said.type === 'open') for (const each of said.openings) channels.set(each.documentId, each.channel);
    else if (said.type === 'close')
      for (const [id, number] of channels) if (said.channels.includes(number)) channels.delete(id);
  }
}

let lastChannel = 100_000;

/** A document as the hostile cloud says things of it to a device: on the device's channel, or on one that it opens. */
export function speakOf(victim: Victim, documentId: DocumentId) {
  const open = victim.channel(documentId);
  const channel = open ?? (lastChannel += 2);
  const say = (on: number, payload: Uint8Array): void => victim.say(encodeEntries([{ channel: on, payload }]));
  if (open === undefined) {
    const openings = [{ channel, documentId, digest: NO_DIGEST }];
    say(CONTROL_CHANNEL, Uint8Array.of(OPENER, ...encodeToDevice({ type: 'open', openings })));
  }
  return (frame: Parameters<typeof encodeFrame>[0]): void => say(channel, encodeFrame(frame));
}

/** The entries of a message, each judged; `undefined` leaves it out. */
export function eachEntry(message: Said, judge: (entry: Entry) => Entry | undefined): readonly Said[] {
  if (typeof message === 'string') return [message];
  const kept = decodeEntries(message).flatMap((entry) => judge(entry) ?? []);
  return kept.length === 0 ? [] : [encodeEntries(kept)];
}
