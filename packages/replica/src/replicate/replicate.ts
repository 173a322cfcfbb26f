/**
 * Keeps the projects that two devices both have equal, over one connection between them.
 *
 * 1. What changes while they are connected is told at once; what changed before is found by comparing (`rows.ts`).
 * 2. One of the two leads the comparing, so that it is done once; a document is opened by whoever has a reason to.
 * 3. Documents that somebody looks at come first. No more than a few are on their way at once; one that is settled
 *    and that nobody looks at is closed again, so that a large project costs no memory.
 */
import {
  CONTROL_CHANNEL,
  decodeEntries,
  decodeToClient,
  decodeToDevice,
  encodeToClient,
  encodeToDevice,
  Failure,
  type DocumentId,
  type Project,
  type ProjectId,
} from '@markco/protocol';
import { COST, costOf } from './cost.ts';
import type { MessageStream } from './message-stream.ts';
import { joinChannel, type DocumentChannel } from './channel.ts';
import { createHeard } from './compared.ts';
import { ENTRIES_MAX, gatherEntries } from './gather-entries.ts';
import { rowsOfProject } from './project-rows.ts';
import type { ReplicateParts } from './replicate-parts.ts';
import { tellAuthors } from './tell-authors.ts';
import { createRelied } from './relied.ts';
import { askAboutUnsettled } from './unsettled.ts';
import { createRested } from './rested.ts';
import { createWanted, inOrderOf } from './wanted.ts';
import { ACCEPTER, BAD_CHANNEL, NOT_HERE, OPENER, readMessage, ROWS_MAX, type Message } from './messages.ts';
import { BUCKETS, bucketHashes, bucketOf, compareRow, differingBuckets, projectHash, rowOf, type Row } from './rows.ts';

/** Bytes that wait for the other device before its documents are cut back to a catch-up. */
const BACKLOG_BYTES_MAX = 8 * 1024 * 1024;
const QUIET_MS = 5_000;
const SWEEP_MS = 1_000;
const AGAIN_MS = 500;

export type Replication = {
  /** What is open here has changed. */
  tellProjects(): void;
  /** Compares all of them once more; `compared` is told of each. */
  compare(): void;
  /** Resolves once every message that has come by now was dealt with. */
  settled(): Promise<void>;
  close(): void;
};

/** @param leads whether this device compares; the other one must not */
export function replicate(stream: MessageStream, leads: boolean, parts: ReplicateParts): Replication {
  const { catalog, rooms, digests } = parts;
  const channels = new Map<number, DocumentChannel>();
  const [mine, theirs] = [new Map<DocumentId, number>(), new Map<DocumentId, number>()];
  /** What the other has open, with its digest when it last said so. */
  let others = new Map<ProjectId, string>();
  const shared = new Set<ProjectId>();
  const heard = createHeard();
  /** The stamp of the name under which the other one knows a document, or of what was compared: only others are news. */
  const told = new Map<DocumentId, number>();
  const rowsOf = (id: ProjectId) => rowsOfProject(id, parts);
  const isSeen = (id: DocumentId): boolean => rooms.peek(id)?.isSeen === true;
  const wanted = createWanted({ isSeen, digestNow: digests.now });
  /** Documents that were opened on this connection. */
  const opened = new Set<DocumentId>();
  // Both sides number their own channels; the leader's are odd.
  let nextChannel = leads ? 1 : 2;
  let [closed, behind] = [false, false];
  let turn: Promise<unknown> = Promise.resolve();
  /** What was said last of the projects here. */
  let said = '';

  const say = (message: Message): void => stream.sendText(JSON.stringify(message));
  const writers = tellAuthors(rooms.authors, parts.device, say, parts.wasted);
  const link = parts.links.open(parts.device, say, parts.wasted);
  const testimony = parts.testimony?.open(parts.device, say, parts.wasted);
  const rested = createRested(want);
  const relied = createRelied(() => inTurn(tell));
  const send = gatherEntries((message) => stream.sendBytes(message));
  const asOpener = (message: Parameters<typeof encodeToDevice>[0]): void =>
    send(CONTROL_CHANNEL, Uint8Array.of(OPENER, ...encodeToDevice(message)));
  const asAccepter = (message: Parameters<typeof encodeToClient>[0]): void =>
    send(CONTROL_CHANNEL, Uint8Array.of(ACCEPTER, ...encodeToClient(message)));

  function channelFor(number: number, documentId: DocumentId): Parameters<typeof joinChannel>[0] {
    return {
      rooms,
      documentId,
      device: parts.device,
      readOnly: !parts.isAuthor,
      now: parts.now,
      wasted: parts.wasted,
      witness: parts.witness,
      isLinked: (from) => parts.links.joins(from, parts.device),
      isFirst: !opened.has(documentId),
      send(payload) {
        behind ||= stream.waiting() > BACKLOG_BYTES_MAX;
        if (behind) return false;
        send(number, payload);
        return true;
      },
      refuse(failure) {
        if (failure.code === 'bad_request' || failure.code === 'conflict') parts.wasted(COST.unreadable);
        const isMine = mine.get(documentId) === number;
        drop(number);
        if (isMine) asOpener({ type: 'close', channels: [number] });
        else asAccepter({ type: 'failed', channel: number, code: failure.code, message: failure.message });
      },
      onHeld() {
        const seq = channels.get(number)?.heldSeq ?? null;
        if (seq !== null) parts.onHeld(documentId, seq);
        wanted.ended(number);
        openNext();
      },
    };
  }

  function drop(number: number): void {
    const channel = channels.get(number);
    if (channel === undefined) return;
    channels.delete(number);
    wanted.ended(number);
    for (const side of [mine, theirs]) if (side.get(channel.documentId) === number) side.delete(channel.documentId);
    channel.leave();
    openNext();
  }

  /** Asks for a document to be exchanged, now or when its turn comes. */
  function want(id: DocumentId, digest?: string): void {
    if (mine.has(id) || theirs.has(id)) return;
    wanted.add(id, digest);
    openNext();
  }

  function openNext(): void {
    if (closed || wanted.isEmpty) return;
    for (let id = wanted.next(); id !== undefined; id = wanted.next())
      if (!mine.has(id) && !theirs.has(id) && parts.refusal(id) === undefined) open(id);
  }

  function open(documentId: DocumentId): void {
    const number = nextChannel;
    nextChannel += 2;
    mine.set(documentId, number);
    wanted.began(number);
    const channel = channelFor(number, documentId);
    opened.add(documentId);
    channels.set(
      number,
      joinChannel(channel, {
        opens(digest) {
          asOpener({ type: 'open', openings: [{ channel: number, documentId, digest }] });
        },
      }),
    );
  }

  const isHere = (id: ProjectId): boolean => parts.projects().some((project) => project.id === id);
  /** It may not have been settled yet (`shared`), because that takes its turn. */
  const bothHave = (id: ProjectId): boolean => shared.has(id) || (others.has(id) && isHere(id));

  function accept(number: number, documentId: DocumentId, digest: Uint8Array): void {
    // Of two channels that were opened in the same moment the one of the device that leads stays.
    const isCrossed = leads && mine.has(documentId);
    const isFree = number % 2 === (leads ? 0 : 1) && !channels.has(number) && !isCrossed;
    const refusal = isFree ? parts.refusal(documentId) : BAD_CHANNEL;
    const projectId = catalog.get(documentId)?.projectId;
    if (refusal !== undefined || projectId === undefined || !bothHave(projectId)) {
      const { code, message } = refusal ?? NOT_HERE;
      parts.wasted(COST.question);
      asAccepter({ type: 'failed', channel: number, code, message });
      return;
    }
    drop(mine.get(documentId) ?? CONTROL_CHANNEL);
    theirs.set(documentId, number);
    wanted.delete(documentId);
    const channel = channelFor(number, documentId);
    if (!channel.isFirst) parts.wasted(COST.question);
    opened.add(documentId);
    channels.set(
      number,
      joinChannel(channel, {
        digest: digest.slice(),
        equal: () => asAccepter({ type: 'equal', channels: [number] }),
      }),
    );
  }

  function receiveControl(payload: Uint8Array, fromOpener: boolean): void {
    if (fromOpener) {
      const message = decodeToDevice(payload);
      if (message.type === 'open')
        for (const { channel, documentId, digest } of message.openings) accept(channel, documentId, digest);
      else if (message.type === 'close') for (const number of message.channels) drop(number);
      return;
    }
    const message = decodeToClient(payload);
    if (message.type === 'equal') for (const number of message.channels) channels.get(number)?.equal();
    else if (message.type === 'failed') drop(message.channel);
  }

  function receiveBytes(message: Uint8Array): void {
    for (const { channel, payload } of decodeEntries(message, ENTRIES_MAX)) {
      if (channel === CONTROL_CHANNEL) receiveControl(payload.subarray(1), payload[0] === OPENER);
      else if (channels.has(channel)) channels.get(channel)?.receive(payload);
      else if (!rested.wakes(channel)) parts.wasted(costOf(COST.repeat, payload));
    }
  }

  function noteCompared(rows: ReadonlyMap<DocumentId, Row>): void {
    for (const [id, { named }] of rows) if (!told.has(id)) told.set(id, named.at);
  }

  function sendRows(projectId: ProjectId, rows: readonly Row[]): void {
    for (let at = 0; at < rows.length; at += ROWS_MAX)
      say({ op: 'rows', projectId, rows: rows.slice(at, at + ROWS_MAX) });
  }

  async function takeRows(projectId: ProjectId, rows: readonly Row[]): Promise<void> {
    const [taken, lacking]: [Row[], Row[]] = [[], []];
    heard.note(projectId, rows);
    for (const row of rows) {
      told.set(row.id, row.named.at);
      const record = catalog.get(row.id);
      if (record !== undefined && record.projectId !== projectId) continue;
      const known = record === undefined ? undefined : rowOf(record, await digests.of(record));
      const verdict = compareRow(known, row);
      if (verdict.names === 'theirs' && parts.isAuthor) taken.push(row);
      if (verdict.names === 'mine' && known !== undefined) sendRows(projectId, [known]);
      if (verdict.texts) lacking.push(row);
    }
    if (taken.length > 0)
      await parts.take(projectId, taken).catch((cause: unknown) => {
        // Something was named or deleted here in the same moment: it is compared again once that is over.
        if (!(cause instanceof Failure)) parts.onTrouble('taking names over', cause);
        setTimeout(() => {
          inTurn(() => tell(true));
        }, AGAIN_MS).unref();
      });
    for (const { id, digest } of inOrderOf(parts.device, lacking)) want(id, digest);
    // What it told is news, and costs it nothing.
    if (taken.length + lacking.length > 0) parts.wasted(-COST.question);
  }

  async function tell(all = false): Promise<void> {
    const projects: { project: Project; hash: string }[] = [];
    for (const project of parts.projects()) {
      const rows = await rowsOf(project.id);
      noteCompared(rows);
      projects.push({ project, hash: projectHash(project.id, bucketHashes(rows.values())) });
    }
    said = projects.map(({ project, hash }) => `${project.id} ${hash}`).join();
    say({ op: 'projects', projects });
    await share(all);
  }

  /** The other one may have compared what it has opened only now with what this one had when it spoke last. */
  async function tellAnew(): Promise<void> {
    const now: string[] = [];
    for (const { id } of parts.projects())
      now.push(`${id} ${projectHash(id, bucketHashes((await rowsOf(id)).values()))}`);
    if (now.join() !== said) await tell();
  }

  /** Settles what both have, and compares what is new among it, or all of it. */
  async function share(all: boolean): Promise<void> {
    const here = new Set(parts.projects().map(({ id }) => id));
    for (const id of shared) if (!here.has(id) || !others.has(id)) shared.delete(id);
    for (const [id, hash] of others) {
      if (!here.has(id) || (shared.has(id) && !all)) continue;
      shared.add(id);
      if (!leads) continue;
      const rows = await rowsOf(id);
      noteCompared(rows);
      const hashes = bucketHashes(rows.values());
      if (projectHash(id, hashes) !== hash)
        say({ op: 'buckets', projectId: id, hashes: Buffer.from(hashes).toString('base64') });
      else parts.compared?.(id, []);
    }
  }

  async function receive(message: Exclude<Message, { op: 'authors' | 'links' | 'kept' }>): Promise<void> {
    if (message.op === 'projects') {
      parts.onProjects(message.projects.map(({ project }) => project));
      await share(true);
      if (!leads) await tellAnew();
      return;
    }
    const { projectId } = message;
    if (!isHere(projectId)) return;
    if (message.op === 'rows') return takeRows(projectId, message.rows);
    const here = await rowsOf(projectId);
    if (message.op === 'buckets') {
      const hashes = Buffer.from(message.hashes, 'base64');
      if (hashes.length !== BUCKETS * 8) throw new Failure('bad_request', 'A message could not be read.');
      const buckets = differingBuckets(bucketHashes(here.values()), hashes);
      const differing = [...here.values()].filter(({ id }) => buckets.includes(bucketOf(id)));
      sendRows(projectId, differing);
      say({ op: 'listed', projectId, buckets: [...buckets] });
    } else {
      // All that the other has of these groups is known by now: what it lacks is told.
      const found = heard.end(projectId, here, message.buckets);
      sendRows(projectId, found.lacking);
      parts.compared?.(projectId, found.differing);
    }
  }
  /** One after another, in the order they came. */
  function inTurn(work: () => Promise<void>): void {
    turn = turn.then(async () => {
      if (closed) return;
      try {
        await work();
      } catch (cause) {
        parts.onTrouble('exchanging documents', cause);
        stream.abort(Failure.from(cause));
      }
    });
  }

  // Before anything is answered: what comes first may have come already.
  inTurn(tell);
  stream.onMessage((message) => {
    try {
      if (typeof message !== 'string') return receiveBytes(message);
      const read = readMessage(message);
      // At once: an edit under an id that it names may come next.
      if (read?.op === 'authors') return parts.isAuthor ? writers.receive(read) : undefined;
      if (read?.op === 'links') return link.receive(read);
      if (read?.op === 'kept') return testimony?.receive(read);
      // To compare a project is to go through all of it.
      parts.wasted(read === null || read.op === 'rows' ? COST.question : COST.heavy);
      if (read === null) return;
      // At once: a document of one of them may be opened next, while what came before is still looked through.
      if (read.op === 'projects') others = new Map(read.projects.map(({ project, hash }) => [project.id, hash]));
      inTurn(() => receive(read));
    } catch (cause) {
      const isRefusal = cause instanceof Failure;
      stream.abort(isRefusal ? cause : new Failure('bad_request', 'A message could not be read.', { cause }));
    }
  });
  stream.onDrain(() => {
    if (!behind) return;
    behind = false;
    for (const channel of channels.values()) channel.caughtUp();
  });

  const wantShared = (id: DocumentId): void => {
    const projectId = catalog.get(id)?.projectId;
    if (projectId !== undefined && shared.has(projectId)) want(id);
  };
  const stops = [
    rooms.onChange(({ id, from }) => {
      const isTold = from !== undefined && parts.links.joins(from, parts.device) && !isSeen(id);
      if (isTold && !mine.has(id) && !theirs.has(id)) relied.note();
      else wantShared(id);
    }),
    // Who looks at it here is to be seen there.
    rooms.onSeen(wantShared),
    askAboutUnsettled(parts.unsettled, wantShared),
    catalog.onChange(({ projectId, changed, removed }) => {
      if (!shared.has(projectId)) return;
      for (const { id } of [...changed, ...removed.map((gone) => ({ id: gone }))]) {
        const record = catalog.get(id);
        if (record === undefined || told.get(id) === record.named?.at) continue;
        told.set(id, record.named?.at ?? 0);
        inTurn(async () => sendRows(projectId, [rowOf(record, await digests.of(record))]));
      }
    }),
  ];
  const sweeper = setInterval(() => {
    for (const [id, number] of mine) {
      const channel = channels.get(number);
      if (isSeen(id) || channel?.isSettled !== true || parts.now() - channel.usedAt < QUIET_MS) continue;
      asOpener({ type: 'close', channels: [number] });
      drop(number);
      rested.note(number, id);
    }
  }, SWEEP_MS).unref();

  function end(): void {
    if (closed) return;
    closed = true;
    clearInterval(sweeper);
    for (const stop of [...stops, relied.end, writers.end, link.end, testimony?.end]) stop?.();
    for (const channel of channels.values()) channel.leave();
    channels.clear();
  }
  stream.onClose(end);
  return {
    tellProjects: () => inTurn(tell),
    compare: () => inTurn(() => tell(true)),
    settled: async () => void (await turn),
    close() {
      end();
      stream.close();
    },
  };
}
