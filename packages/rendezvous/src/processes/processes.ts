/**
 * The other processes of this cloud: what is written and who is there is told to them, and what they tell is taken in.
 *
 * 1. Nothing depends on a message: what is in the database is read from there every two seconds, and twice a second
 *    while there is no way to the others (decision 0028).
 * 2. Questions (`asking.ts`) go through the database while there is no way to the others, where it is looked for them then.
 * 3. Who is at a document at another process is shown as long as that one is heard of.
 */
import { decodeFrame, type DocumentId } from '@markco/protocol';
import type { Member } from '@markco/replica/documents/seat';
import type { SharedReplica, SharedReplicaParts } from '@markco/replica/shared/open-shared-replica';
import type { Sealed } from './asking.ts';
import { openBus } from './bus.ts';
import type { Mailbox } from './mailbox.ts';
import { decodeMessage, encodeMessage, type AgentsMessage, type Message, type Written } from './messages.ts';

const LOOK_MS = 2_000;
const LOOK_ALONE_MS = 500;
const HERE_MS = 2_000;
/** Three times not heard of. */
const SILENT_MS = 6_500;

export type ProcessesParts = {
  readonly url: string;
  /** The same for all processes of one cloud, and for no others. */
  readonly space: string;
  /** Who this process is: another one after each start. */
  readonly process: string;
  readonly now: () => number;
  readonly mailbox: Mailbox;
  readonly onSignal: (json: unknown) => void;
  readonly onAgents: (process: string, message: AgentsMessage) => void;
  readonly onBus: (isUp: boolean) => void;
  readonly onTrouble: (doing: string, cause: unknown) => void;
};

export type Processes = {
  /** Who this one is. */
  readonly process: string;
  /** What the replica tells. */
  readonly hooks: Pick<SharedReplicaParts, 'onCommitted' | 'onLoaded' | 'onNamed' | 'onPresence'>;
  /** From now on what the others tell is taken in. */
  begin(replica: SharedReplica): void;
  signal(json: unknown): void;
  /** False when it went nowhere. */
  tell(message: AgentsMessage): boolean;
  /** The same, by way of the database where there is no other. */
  say(message: Sealed): Promise<boolean>;
  /** Whether a process is heard of, or none can be heard of now. */
  isUp(process: string): boolean;
  /** Others that are heard of. */
  readonly count: number;
  readonly isBusUp: boolean;
  close(): Promise<void>;
};

type Other = { readonly member: Member; heardAt: number };

export function openProcesses(parts: ProcessesParts): Processes {
  const { now, onTrouble } = parts;
  const others = new Map<string, Other>();
  let replica: SharedReplica | undefined;
  let looking: NodeJS.Timeout | undefined;
  let closed = false;
  /** In this turn. */
  const written: Written[] = [];

  const bus = openBus({
    ...{ url: parts.url, space: parts.space },
    onMessage(kind, bytes) {
      try {
        const decoded = decodeMessage(kind, bytes, (id) => replica?.rooms.peek(id) !== undefined);
        if (decoded !== undefined) receive(decoded.process, decoded.message);
      } catch (cause) {
        onTrouble(`reading ${kind} of another process`, cause);
      }
    },
    onUp(isUp) {
      parts.onBus(isUp);
      if (!isUp || replica === undefined) return;
      // What was told meanwhile was heard by nobody.
      tell({ kind: 'here' });
      pull();
      for (const { id } of replica.rooms.all()) {
        tellPresence(id);
        tell({ kind: 'who', documentId: id });
      }
    },
  });

  function say(message: Message): ReturnType<typeof bus.tell> {
    return bus.tell(message.kind, encodeMessage(parts.process, message));
  }

  function tell(message: Message): boolean {
    return say(message) === 'sent';
  }

  /** What was written at once is told at once, as far as the server takes that. */
  function tellWritten(group: readonly Written[]): void {
    if (group.length === 0 || say({ kind: 'written', written: group }) !== 'too-large') return;
    const [first, ...others] = group;
    const half = Math.ceil(group.length / 2);
    if (others.length > 0) for (const part of [group.slice(0, half), group.slice(half)]) tellWritten(part);
    else if (first !== undefined && first.entries.length > 0) tellWritten([{ ...first, entries: [] }]);
  }

  function otherOf(process: string): Other {
    let other = others.get(process);
    if (other === undefined) {
      const member: Member = { readOnly: true, send: () => undefined, refuse: () => undefined };
      others.set(process, (other = { member, heardAt: now() }));
      // One that is new is told at once who else there is.
      tell({ kind: 'here' });
    }
    other.heardAt = now();
    return other;
  }

  function forget(process: string): void {
    const other = others.get(process);
    if (other === undefined || !others.delete(process)) return;
    for (const room of replica?.rooms.all() ?? []) room.here.processGone(other.member);
  }

  function receive(process: string, message: Message): void {
    if (replica === undefined) return;
    if (message.kind === 'gone') return forget(process);
    const { member } = otherOf(process);
    if (message.kind === 'written')
      for (const written of message.written) {
        if (written.entries.length > 0) replica.log.hear(written);
        else replica.log.isAt(written.documentId, written.seq);
      }
    else if (message.kind === 'presence') {
      const frame = decodeFrame(message.frame);
      if (frame.type === 'awareness') replica.rooms.peek(message.documentId)?.here.hear(member, frame.update);
    } else if (message.kind === 'who') tellPresence(message.documentId);
    else if (message.kind === 'signal') parts.onSignal(message.json);
    else if (message.kind === 'named') pull();
    else if (message.kind !== 'here') parts.onAgents(process, message);
  }

  function tellPresence(id: DocumentId): void {
    const elsewhere = new Set<Member | undefined>([...others.values()].map(({ member }) => member));
    const here = replica?.rooms.peek(id)?.here.others((speaker) => elsewhere.has(speaker));
    if (here !== undefined) tell({ kind: 'presence', documentId: id, frame: here.payload });
  }

  /** While the database is away the log says so, and this is done again soon. */
  function pull(): void {
    replica?.pull().catch(() => undefined);
  }

  function look(): void {
    if (closed || replica === undefined) return;
    const again = (): void => {
      if (!closed) looking = setTimeout(look, bus.isUp ? LOOK_MS : LOOK_ALONE_MS).unref();
    };
    // While the database is away the log says so.
    Promise.allSettled([replica.pull(), open()]).then(again, again);
  }

  /** What others asked or answered by way of the database. */
  async function open(): Promise<void> {
    for (const { sender, message } of await parts.mailbox.take(parts.process))
      try {
        parts.onAgents(sender, message);
      } catch (cause) {
        onTrouble(`reading ${message.kind} of another process`, cause);
      }
  }

  const saying = setInterval(() => {
    tell({ kind: 'here' });
    const at = now();
    for (const [process, { heardAt }] of others) if (at - heardAt > SILENT_MS) forget(process);
  }, HERE_MS).unref();

  return {
    process: parts.process,
    hooks: {
      onCommitted({ documentId, entries }) {
        if (written.push({ documentId, entries, seq: entries.at(-1)?.seq ?? 0 }) === 1)
          queueMicrotask(() => tellWritten(written.splice(0)));
      },
      onNamed: () => void tell({ kind: 'named' }),
      onPresence: (documentId, frame) => void tell({ kind: 'presence', documentId, frame }),
      onLoaded: (documentId) => void tell({ kind: 'who', documentId }),
    },
    begin(opened) {
      replica = opened;
      tell({ kind: 'here' });
      look();
    },
    signal: (json) => void tell({ kind: 'signal', json }),
    tell,
    say: async (message) => tell(message) || parts.mailbox.put(parts.process, message),
    isUp: (process) => !bus.isUp || others.has(process),
    get count() {
      return others.size;
    },
    get isBusUp() {
      return bus.isUp;
    },
    async close() {
      closed = true;
      clearTimeout(looking);
      clearInterval(saying);
      tell({ kind: 'gone' });
      await bus.close();
    },
  };
}
