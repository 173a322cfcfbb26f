/**
 * What two devices keep each other up to date about while they are connected: who the user's devices are, where they
 * are, and what each can do now.
 */
import {
  Failure,
  LanguageSchema,
  NodeCapabilitySchema,
  ProjectIdSchema,
  type DeviceId,
  type NodeCapability,
} from '@markco/protocol';
import { mergeEntries, PAIRING_LIFETIME_MS } from '@markco/protocol/identity';
import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import { COST } from '@markco/replica/replicate/cost';
import type { MessageStream } from '@markco/replica/replicate/message-stream';
import type { Said } from '@markco/client/mesh/peers';
import { TOLD_ADDRESSES_MAX, TOLD_DEVICES_MAX, ToldDevicesSchema } from '@markco/client/mesh/told-devices';
import type { Trust } from './trust.ts';

/** A device says what it can do this often, and at once when that changed. */
export const HEARTBEAT_MS = 15_000;
const ENTRIES_MAX = 100;
/** Sessions told of; of more, the first. */
const SESSIONS_MAX = 200;

const SessionsSchema = z
  .array(
    z.object({
      projectId: ProjectIdSchema,
      language: LanguageSchema,
      name: z.string().check(z.maxLength(200)),
      /** A person moved it there. */
      moved: z.optional(z.boolean()),
    }),
  )
  .check(z.maxLength(SESSIONS_MAX));
const MessageSchema = z.discriminatedUnion('op', [
  z.object({
    op: z.literal('log'),
    entries: z.array(z.string().check(z.maxLength(8_192))).check(z.maxLength(ENTRIES_MAX)),
  }),
  ToldDevicesSchema,
  /** A digest of the sender's log: who has another one answers with what it has. */
  z.object({ op: z.literal('known'), digest: z.string().check(z.regex(/^[0-9a-f]{16}$/)) }),
  /** A code to pair with is on the screen for so long, or, at 0, no more: a relay may let a stranger through to it. */
  z.object({ op: z.literal('guests'), forMs: z.int().check(z.minimum(0), z.maximum(PAIRING_LIFETIME_MS)) }),
  z.object({
    op: z.literal('heartbeat'),
    capability: NodeCapabilitySchema,
    runningRuns: z.int(),
    queuedRuns: z.int(),
    sessions: z.optional(SessionsSchema),
  }),
  /** A heartbeat by what has changed since the one before on this stream. */
  z.object({
    op: z.literal('beat'),
    changed: z.partial(NodeCapabilitySchema),
    runningRuns: z.int(),
    queuedRuns: z.int(),
    sessions: z.optional(SessionsSchema),
  }),
]);
type Message = z.infer<typeof MessageSchema>;

export type Heartbeat = {
  readonly capability: NodeCapability;
  readonly runningRuns: number;
  readonly queuedRuns: number;
  /** Those that run, by what finds them on any device. */
  readonly sessions?: z.infer<typeof SessionsSchema>;
};

export type ControlParts = {
  readonly trust: Trust;
  readonly peer: DeviceId;
  /** Where this device and others are, as far as it knows. */
  readonly addresses: () => readonly {
    readonly deviceId: DeviceId;
    readonly addresses: readonly string[];
    readonly isRelay?: boolean;
  }[];
  /** How long this device shows a code to pair with, in milliseconds. */
  readonly guestsMs: () => number;
  readonly heartbeat: () => Promise<Heartbeat>;
  readonly onAddresses: (device: DeviceId, addresses: readonly string[], said: Said) => void;
  readonly onGuests: (forMs: number) => void;
  readonly onHeartbeat: (heartbeat: Heartbeat) => void;
  /** The other device told nothing new. */
  readonly wasted: (cost: number) => void;
};

export type Control = {
  beat(): void;
  /** Where this device is, or where another one is, has changed. */
  tellDevices(): void;
  tellGuests(): void;
};

export function keepUpToDate(stream: MessageStream, parts: ControlParts): Control {
  const { trust } = parts;
  const told = new Set<string>();
  /** Where each device is, as it was said here last. */
  const placed = new Map<DeviceId, string>();
  let isOpen = true;
  /** What was said last of this device, and of the other one. */
  let said: Heartbeat | null = null;
  let heard: Heartbeat | null = null;
  const say = (message: Message): void => void (isOpen && stream.sendText(JSON.stringify(message)));

  function digestOfLog(): string {
    const hash = createHash('sha256');
    for (const id of [...trust.log.entries.keys()].toSorted()) hash.update(id);
    return hash.digest('hex').slice(0, 16);
  }

  /** Each entry once, those that came from the other side never. */
  function tellLog(): void {
    const lacking = [...trust.log.entries.values()].filter(({ id }) => !told.has(id));
    for (const { id } of lacking) told.add(id);
    for (let at = 0; at < lacking.length; at += ENTRIES_MAX)
      say({
        op: 'log',
        entries: lacking.slice(at, at + ENTRIES_MAX).map(({ bytes }) => Buffer.from(bytes).toString('base64')),
      });
  }

  /** All at first, then what differs: twenty devices that pass on all to all would say it by the megabyte. */
  function tellDevices(): void {
    const devices = parts
      .addresses()
      .slice(0, TOLD_DEVICES_MAX)
      .map((device) => ({ ...device, addresses: device.addresses.slice(0, TOLD_ADDRESSES_MAX) }))
      .filter((device) => {
        const now = JSON.stringify(device);
        // Where the other one is it knows best.
        if (device.deviceId === parts.peer || placed.get(device.deviceId) === now) return false;
        placed.set(device.deviceId, now);
        return true;
      });
    if (devices.length > 0) say({ op: 'devices', devices });
  }

  const tellGuests = (): void => say({ op: 'guests', forMs: Math.ceil(Math.max(0, parts.guestsMs())) });

  function beat(): void {
    parts.heartbeat().then(
      ({ sessions: all = [], ...heartbeat }) => {
        const sessions = all.slice(0, SESSIONS_MAX);
        const before = said;
        said = { ...heartbeat, sessions };
        const changed = before === null ? null : changesOf(before.capability, heartbeat.capability);
        if (changed === null) return say({ op: 'heartbeat', ...heartbeat, sessions });
        const { runningRuns, queuedRuns } = heartbeat;
        const isSame = JSON.stringify(sessions) === JSON.stringify(before?.sessions);
        say({ op: 'beat', changed, runningRuns, queuedRuns, ...(isSame ? {} : { sessions }) });
      },
      () => undefined,
    );
  }

  function hear({
    capability,
    runningRuns,
    queuedRuns,
    sessions = [],
  }: Omit<Heartbeat, 'sessions'> & { readonly sessions?: Heartbeat['sessions'] | undefined }): void {
    if (capability.deviceId !== parts.peer) return;
    heard = { capability, runningRuns, queuedRuns, sessions };
    parts.onHeartbeat({ ...heard, capability: { ...capability, online: true } });
  }

  async function receive(message: Message): Promise<void> {
    if (message.op === 'log') {
      const entries = message.entries.map((entry) => new Uint8Array(Buffer.from(entry, 'base64')));
      const merged = mergeEntries(trust.log, entries);
      // It tells a whole log once; to refuse an entry takes its signature to be checked.
      parts.wasted(COST.question + merged.refused.length * COST.heavy);
      for (const id of merged.added) told.add(id);
      if (merged.added.length > 0) await trust.take(merged.log);
    } else if (message.op === 'devices') {
      parts.wasted(COST.question);
      for (const { deviceId, addresses: all, isRelay } of message.devices)
        if (deviceId !== trust.deviceId) parts.onAddresses(deviceId, all, { bySelf: deviceId === parts.peer, isRelay });
    } else if (message.op === 'guests') {
      parts.wasted(COST.question);
      parts.onGuests(message.forMs);
    } else if (message.op === 'known') {
      parts.wasted(COST.question);
      if (message.digest !== digestOfLog()) tellLog();
    } else if (message.op === 'heartbeat') {
      parts.wasted(COST.question);
      hear(message);
    } else if (heard !== null) {
      parts.wasted(COST.question);
      const { changed, runningRuns, queuedRuns, sessions = heard.sessions ?? [] } = message;
      hear({
        capability: NodeCapabilitySchema.parse({ ...heard.capability, ...changed }),
        runningRuns,
        queuedRuns,
        sessions,
      });
    }
  }

  stream.onMessage((text) => {
    try {
      const parsed = typeof text === 'string' ? MessageSchema.safeParse(JSON.parse(text)) : undefined;
      // One of a later version is passed over.
      if (parsed?.success !== true) parts.wasted(COST.heavy);
      else void receive(parsed.data).catch((error: unknown) => stream.abort(Failure.from(error)));
    } catch (cause) {
      stream.abort(new Failure('bad_request', 'A message could not be read.', { cause }));
    }
  });
  const timer = setInterval(beat, HEARTBEAT_MS).unref();
  const stopHearing = trust.onChange(() => {
    tellLog();
    tellDevices();
  });
  stream.onClose(() => {
    isOpen = false;
    clearInterval(timer);
    stopHearing();
  });
  // Both had the same log when they said hello, unless something was heard since.
  say({ op: 'known', digest: digestOfLog() });
  tellDevices();
  if (parts.guestsMs() > 0) tellGuests();
  beat();
  return { beat, tellDevices, tellGuests };
}

/** Null when something is not there any more, which a change cannot say. */
function changesOf(before: NodeCapability, after: NodeCapability): Partial<NodeCapability> | null {
  if (Object.keys(before).some((key) => !(key in after))) return null;
  const was: Readonly<Record<string, unknown>> = before;
  return Object.fromEntries(
    Object.entries(after).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(was[key])),
  );
}
