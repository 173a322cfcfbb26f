/**
 * R16: two to five peers, each the client's own replica, edit one document over connections that break. Frames come
 * late, up to five times, damaged or not at all; peers stay away while the document is compacted; the device is
 * killed. In the end everybody has the same text, and every marker once.
 *
 * A connection keeps its frames in order (TCP), so a frame that is lost is a connection that breaks. Damage that
 * still reads as an update is the transport's to find; here the connection breaks then too.
 */
import { createReplica, type Replica } from '@markco/client/documents/replica';
import {
  decodeFrame,
  decodeSummary,
  encodeSummary,
  inspectUpdate,
  NO_DIGEST,
  sameBytes,
  type ProjectId,
} from '@markco/protocol';
import { expect, test } from 'vitest';
import { chance, trials } from '../../../../setup/trials.ts';
import { joinDocument, type DocumentMember } from '@markco/replica/listen/document-member';
import { createSimulatedDisk } from '@markco/replica/store/simulated';
import {
  DOCUMENT,
  laterTurns,
  startDevice,
  textOf,
  timesIn,
  UNTIMED,
  type Device,
} from '@markco/replica/documents/device.fixture';
import type { Room } from '@markco/replica/documents/room';
import type { Member } from '@markco/replica/documents/seat';

const PROJECT = '00000000-0000-7000-8000-00000000abcd' as ProjectId;
const AT_ONCE = 250;
const DROPPED = 0.3;

type ToDevice = { readonly hello: Uint8Array } | { readonly frame: Uint8Array };
type ToPeer = 'equal' | Uint8Array;
type Link = { readonly toDevice: ToDevice[]; readonly toPeer: ToPeer[]; member: DocumentMember | undefined };
type Peer = { readonly replica: Replica; link: Link | undefined };
type Tally = { edits: number; lost: number; doubled: number; damaged: number; compactions: number; kills: number };

test('R16 whatever happens to frames and connections, all replicas end equal, with every marker once', async () => {
  const { numRuns, seed } = trials('R16 convergence under lost, late, doubled and damaged frames', 10_000);
  const tally: Tally = { edits: 0, lost: 0, doubled: 0, damaged: 0, compactions: 0, kills: 0 };
  for (let from = 0; from < numRuns; from += AT_ONCE) {
    await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, numRuns - from) }, (_, index) =>
        converge(seed + from + index, tally).catch((cause: unknown) => {
          throw new Error(`with MARKCO_SEED=${seed + from + index}`, { cause });
        }),
      ),
    );
  }
  console.log(`  ${JSON.stringify(tally)}`);
  for (const count of Object.values(tally)) expect(count).toBeGreaterThan(numRuns / 20);
}, 600_000);

async function converge(seed: number, tally: Tally): Promise<void> {
  const next = chance(seed);
  const upTo = (end: number) => Math.floor(next() * end);
  const disk = createSimulatedDisk();
  let device: Device = startDevice(disk);
  const markers: string[] = [];
  const peers: Peer[] = Array.from({ length: 2 + upTo(4) }, () => ({
    replica: createReplica({ projectId: PROJECT, documentId: DOCUMENT, copies: undefined, now: () => 0 }),
    link: undefined,
  }));

  const connect = (peer: Peer): void => {
    const link: Link = { toDevice: [{ hello: peer.replica.digest() }], toPeer: [], member: undefined };
    peer.link = link;
    peer.replica.connected({ send: (frame) => void link.toDevice.push({ frame }) });
  };
  const cut = (peer: Peer): void => {
    peer.link?.member?.leave();
    peer.link = undefined;
    peer.replica.disconnected();
  };

  const deliver = (peer: Peer, faults: boolean): void => {
    const { link } = peer;
    if (link === undefined) return;
    const inward = link.toPeer.length === 0 || (link.toDevice.length > 0 && upTo(2) === 0);
    if (inward) {
      const message = link.toDevice.shift();
      if (message === undefined) return;
      if (faults && next() < DROPPED) {
        tally.lost++;
        cut(peer);
      } else if ('hello' in message) open(peer, link, message.hello);
      else if (faults && upTo(8) === 0) damage(peer, link, message.frame);
      else {
        link.member?.receive(message.frame);
        if (faults && upTo(6) === 0) void repeat(message.frame);
      }
      return;
    }
    const message = link.toPeer.shift();
    if (message === undefined) return;
    if (faults && next() < DROPPED) {
      tally.lost++;
      cut(peer);
    } else if (message === 'equal') peer.replica.equal();
    else {
      peer.replica.receive(message);
      const { type } = decodeFrame(message);
      if (faults && (type === 'update' || type === 'step2') && upTo(6) === 0) {
        tally.doubled++;
        for (let times = upTo(5); times > 0; times--) peer.replica.receive(message);
      }
    }
  };

  /** As `WS /api/stream` opens a document. */
  const open = (peer: Peer, link: Link, digest: Uint8Array): void => {
    const write = (message: ToPeer): boolean => {
      link.toPeer.push(message);
      return true;
    };
    link.member = joinDocument({
      rooms: device.rooms,
      timing: UNTIMED,
      documentId: DOCUMENT,
      readOnly: false,
      write: (frame) => write(frame.payload),
      refuse: (failure) => {
        if (peer.link === link) throw new Error('an honest peer was refused', { cause: failure });
      },
      welcome(room, joined) {
        if (sameBytes(digest, room.digest)) {
          void room.durable().then(() => write('equal'));
          return;
        }
        room.greet(joined);
        if (sameBytes(digest, NO_DIGEST)) room.sendAll(joined);
      },
    });
  };

  /** The same update by another way, up to five times. */
  const repeat = async (frame: Uint8Array): Promise<void> => {
    const { type } = decodeFrame(frame);
    if (type !== 'update' && type !== 'step2') return;
    tally.doubled++;
    const room = await device.rooms.open(DOCUMENT);
    const member: Member = { readOnly: false, send: () => {}, refuse: () => {} };
    room.join(member);
    for (let times = 1 + upTo(5); times > 0; times--) room.receive(member, frame);
    room.leave(member);
  };

  const damage = (peer: Peer, link: Link, frame: Uint8Array): void => {
    const room = device.rooms.peek(DOCUMENT);
    const bytes = frame.slice();
    const at = upTo(bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 + upTo(255));
    if (room !== undefined && link.member !== undefined && isRefused(room, bytes)) {
      tally.damaged++;
      const before = { digest: room.digest, seq: room.seq };
      peer.link = undefined;
      link.member.receive(bytes);
      if (!sameBytes(room.digest, before.digest) || room.seq !== before.seq)
        throw new Error('a damaged frame changed the document');
      peer.link = link;
    }
    cut(peer);
  };

  const edit = (peer: Peer): void => {
    const { text } = peer.replica;
    const now = text.toString();
    const filler = now.indexOf('.', upTo(now.length + 1));
    if (filler >= 0 && upTo(4) === 0) {
      text.delete(filler, 1);
      return;
    }
    const marker = `⟦${markers.length}⟧`;
    markers.push(marker);
    const before = now.indexOf('⟦', upTo(now.length + 1));
    text.insert(before < 0 ? now.length : before, `${marker}..`);
  };

  for (let steps = 50 + upTo(60); steps > 0; steps--) {
    const peer = peers[upTo(peers.length)] as Peer;
    const choice = upTo(20);
    if (choice < 5) edit(peer);
    else if (choice < 6) await laterTurns(1 + upTo(3));
    else if (choice < 7 && upTo(3) === 0) await new Promise((resolve) => setTimeout(resolve, 3));
    else if (choice === 7 && upTo(4) === 0) {
      tally.compactions++;
      void device.rooms.compact(await device.rooms.open(DOCUMENT));
    } else if (choice === 8 && upTo(8) === 0) {
      tally.kills++;
      for (const each of peers) cut(each);
      device.cutPower(upTo(disk.unsynced() + 1));
      device = startDevice(disk);
    } else if (peer.link === undefined) {
      if (upTo(4) === 0) connect(peer);
    } else deliver(peer, true);
  }

  for (const peer of peers) if (peer.link === undefined) connect(peer);
  const room = await device.rooms.open(DOCUMENT);
  const isDone = () =>
    peers.every(
      ({ link, replica }) =>
        link?.toDevice.length === 0 &&
        link.toPeer.length === 0 &&
        replica.status.get().pendingEdits === 0 &&
        replica.status.get().synced,
    );
  for (let turns = 0; !isDone(); turns++) {
    if (turns > 2_000) throw new Error('it never comes to rest');
    for (const peer of peers)
      while ((peer.link?.toDevice.length ?? 0) + (peer.link?.toPeer.length ?? 0) > 0) deliver(peer, false);
    await (turns % 10 === 9 ? new Promise((resolve) => setTimeout(resolve, 1)) : laterTurns(1));
  }
  const text = textOf(room);
  for (const { replica } of peers) if (replica.text.toString() !== text) throw new Error('a replica differs');
  for (const marker of markers)
    if (timesIn(text, marker) !== 1) throw new Error(`${marker} is there ${timesIn(text, marker)} times`);
  if (text.replaceAll(/⟦\d+⟧|\./g, '') !== '') throw new Error(`torn: ${text}`);
  tally.edits += markers.length;
  for (const { replica } of peers) await replica.destroy();
  await device.close();
}

function isRefused(room: Room, bytes: Uint8Array): boolean {
  try {
    const frame = decodeFrame(bytes);
    if (frame.type !== 'update' && frame.type !== 'step2') return false;
    return inspectUpdate(decodeSummary(encodeSummary(room.summary)), frame.update).kind === 'invalid';
  } catch {
    return true;
  }
}
