/**
 * The cloud that this device keeps its documents with: one more replica, reached by a WebSocket that this device opens.
 *
 * 1. Nothing here waits for it: edits, files and runs go on while it is away, and what it lacks is told when it is back.
 * 2. A cloud that refuses this device is asked again seldom, and its reason is shown.
 * 3. In the mode `mirror` the cloud is told everything and nothing of it is taken; in `legacy` it is left alone.
 */
import {
  Failure,
  moreCareful,
  USUAL_SYNC_MODE,
  type Cloud,
  type DeviceId,
  type SyncMode,
  type UserId,
} from '@markco/protocol';
import { NO_LINKS } from '@markco/replica/replicate/links';
import { replicate, type Replication } from '@markco/replica/replicate/replicate';
import type { ReplicateParts } from '@markco/replica/replicate/replicate-parts';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { readIfThere, writePrivate } from '../device/private-file.ts';
import type { CloudKey } from './cloud-key.ts';
import { dialCloud, type CloudPlace, type Greeted } from './dial.ts';
import type { Mirror } from './mirror.ts';

const PlaceSchema = z.union([
  z.object({ url: z.string(), token: z.string() }),
  z.object({ url: z.string(), byKey: z.literal(true) }),
]);
const DIAL_MS = 10_000;
const AGAIN_MS = 500;
const AGAIN_MAX_MS = 30_000;
/** One that refused this device does not change its mind by itself. */
const REFUSED_MS = 300_000;

export type CloudParts = Pick<
  ReplicateParts,
  'rooms' | 'catalog' | 'digests' | 'links' | 'projects' | 'refusal' | 'take' | 'onTrouble'
> & {
  readonly home: string;
  readonly self: () => { readonly deviceId: DeviceId; readonly userId: UserId };
  readonly key: CloudKey;
  /** Of this device. */
  readonly mode: SyncMode;
  /** Looks how far the cloud has what is here, while it is a mirror. */
  readonly mirror: Mirror;
  readonly now: () => number;
  /** From 0 to below 1: many devices do not come back in one moment. */
  readonly chance: () => number;
  readonly onChange: (cloud: Cloud) => void;
};

export type CloudLink = {
  state(): Cloud;
  /** Where it is and what opens it; undefined without a cloud. */
  place(): CloudPlace | undefined;
  /**
   * Resolves when it is connected; from then on it is kept.
   * @throws Failure of `dialCloud`; then everything is as it was
   */
  join(place: CloudPlace): Promise<Cloud>;
  leave(): Promise<void>;
  /** What is open here has changed. */
  tellProjects(): void;
  /** Begins with what was joined before; a device that belongs to somebody else from now on begins anew. */
  resume(): Promise<void>;
  close(): void;
};

export function createCloudLink(parts: CloudParts): CloudLink {
  const { now } = parts;
  const file = join(parts.home, 'cloud.json');
  let place: CloudPlace | undefined;
  let state: Cloud = { state: 'none' };
  let { mode } = parts;
  let replication: Replication | undefined;
  let drop: () => void = () => undefined;
  let timer: NodeJS.Timeout | undefined;
  let tries = 0;
  /** Each beginning ends the one before. */
  let turn = 0;

  function become(next: Exclude<Cloud['state'], 'none'>, why?: string): void {
    if (place === undefined) return;
    const isSame = state.state === next;
    state = {
      state: next,
      url: place.url,
      since: state.state === next ? state.since : new Date(now()).toISOString(),
      ...(why === undefined ? {} : { why }),
      ...(mode === USUAL_SYNC_MODE ? {} : { mode }),
    };
    if (!isSame) parts.onChange(state);
  }

  function use({ stream, cloud, mode: its }: Greeted, mine: number): void {
    mode = moreCareful(parts.mode, its);
    const looks = mode === 'mirror' ? parts.mirror.begin(() => made.compare()) : null;
    const made = replicate(stream, true, {
      ...parts,
      device: cloud,
      isAuthor: looks === null,
      ...(looks === null ? {} : { compared: looks.compared, links: NO_LINKS }),
      onProjects: () => undefined,
      onHeld: (id, seq) => looks?.held(id, seq),
      wasted: () => undefined,
    });
    replication = made;
    drop = () => made.close();
    stream.onClose(() => looks?.end());
    tries = 0;
    become('connected');
    stream.onClose((why) => {
      if (mine !== turn) return;
      replication = undefined;
      become('offline', why?.message ?? 'The cloud ended the connection.');
      again(mine);
    });
  }

  function again(mine: number, ms = Math.min(AGAIN_MAX_MS, AGAIN_MS * 2 ** tries++)): void {
    timer = setTimeout(() => void connect(mine), ms * (0.5 + parts.chance()));
    timer.unref();
  }

  async function connect(mine: number): Promise<void> {
    if (mine !== turn || place === undefined) return;
    if (state.state !== 'offline') become('connecting');
    try {
      const greeted = await dialCloud(place, parts, AbortSignal.timeout(DIAL_MS));
      if (mine !== turn) greeted.stream.close();
      else use(greeted, mine);
    } catch (error) {
      if (mine !== turn) return;
      const { code, message } = Failure.from(error);
      const isRefused = code === 'forbidden' || code === 'unauthorized';
      become(isRefused ? 'refused' : 'offline', message);
      if (isRefused) again(mine, REFUSED_MS);
      else again(mine);
    }
  }

  function end(): number {
    clearTimeout(timer);
    drop();
    drop = () => undefined;
    replication = undefined;
    tries = 0;
    return ++turn;
  }

  return {
    state: () => state,
    place: () => place,
    async join(wanted) {
      if (parts.mode === 'legacy') throw leftAlone();
      const greeted = await dialCloud(wanted, parts, AbortSignal.timeout(DIAL_MS));
      await writePrivate(file, JSON.stringify(wanted));
      const mine = end();
      place = wanted;
      use(greeted, mine);
      return state;
    },
    async leave() {
      end();
      await rm(file, { force: true });
      place = undefined;
      state = { state: 'none' };
      parts.onChange(state);
    },
    tellProjects: () => replication?.tellProjects(),
    async resume() {
      const text = await readIfThere(file);
      if (text === undefined) return;
      const known = PlaceSchema.safeParse(JSON.parse(text));
      if (!known.success) throw new Failure('storage_failed', `${file} cannot be read. Join the cloud again.`);
      place = known.data;
      if (parts.mode === 'legacy') become('off');
      else await connect(end());
    },
    close: () => void end(),
  };
}

/** What a device answers that is set to have nothing to do with a cloud. */
export const leftAlone = (): Failure =>
  new Failure(
    'conflict',
    'This device leaves its cloud alone, because it was started with SYNC_MODE=legacy. Start it without that, then try again.',
  );
