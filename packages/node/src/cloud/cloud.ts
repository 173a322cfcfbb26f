/**
 * The cloud that this device keeps its documents with: one more replica, reached by a WebSocket that this device opens.
 *
 * 1. Nothing here waits for it: edits, files and runs go on while it is away, and what it lacks is told when it is back.
 * 2. A cloud that refuses this device is asked again seldom, and its reason is shown.
 * 3. It keeps documents and vouches for nothing: what it says of itself is looked at (`trust`), and one that calls itself
 *    by the name of a device, or sends more than a cloud does, is not talked to.
 * 4. In the mode `mirror` the cloud is told everything and nothing of it is taken; in `legacy` it is left alone.
 */
import {
  DeviceIdSchema,
  Failure,
  moreCareful,
  USUAL_SYNC_MODE,
  type Cloud,
  type DeviceId,
  type SyncMode,
  type UserId,
} from '@markco/protocol';
import { COST } from '@markco/replica/replicate/cost';
import { NO_LINKS } from '@markco/replica/replicate/links';
import { replicate, type Replication } from '@markco/replica/replicate/replicate';
import type { ReplicateParts } from '@markco/replica/replicate/replicate-parts';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { readIfThere, writePrivate } from '../device/private-file.ts';
import { createBucket } from '../mesh/bucket.ts';
import type { OpenMesh } from '../mesh/open-mesh.ts';
import type { Others } from '../mesh/others.ts';
import type { CloudKey } from './cloud-key.ts';
import { dialCloud, type CloudPlace, type Greeted } from './dial.ts';
import type { Mirror } from './mirror.ts';
import { createMemory } from './trust/memory.ts';
import { createCloudWatch, type CloudWatch } from './trust/watch.ts';
import { createUnsaved } from './unsaved.ts';

/** Who answered there last. */
const known = { cloud: z.optional(DeviceIdSchema) };
const PlaceSchema = z.union([
  z.object({ url: z.string(), token: z.string(), ...known }),
  z.object({ url: z.string(), byKey: z.literal(true), ...known }),
]);
const DIAL_MS = 10_000;
const AGAIN_MS = 500;
const AGAIN_MAX_MS = 30_000;
/** One that refused this device does not change its mind by itself. */
const REFUSED_MS = 300_000;
/**
 * What tells nothing new, as of a device (`mesh/conduct.ts`), but a cloud passes on what many do: carets, too. More is
 * cut off for FLOODED_MS.
 */
const WASTE = { perSecond: 1_000, burst: 8_000 } as const;
const FLOODED_MS = 60_000;

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
  readonly others: Pick<Others, 'known' | 'now'>;
  readonly onChange: (cloud: Cloud) => void;
  /** It did what an honest cloud does not. */
  readonly onDoubt: (doubt: string, message: string) => void;
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
  /** A person has seen to what is said to be wrong with it. */
  settle(): void;
  /** What is open here has changed. */
  tellProjects(): void;
  /** For the devices of the user: what it said to this one. */
  readonly testimony: CloudWatch['testimony'];
  /** Begins with what was joined before; a device that belongs to somebody else from now on begins anew. */
  resume(): Promise<void>;
  /** Resolves once what is known of it is on disk. */
  close(): Promise<void>;
};

export function createCloudLink(parts: CloudParts): CloudLink {
  const { now } = parts;
  const file = join(parts.home, 'cloud.json');
  let place: CloudPlace | undefined;
  /** Who it is, as it says. */
  let id: DeviceId | undefined;
  /** What was known before this device was started counts once. */
  let isRemembered = false;
  const watch = createCloudWatch({
    ...{ now, cloud: () => id, onDoubt: parts.onDoubt, onChange: (what) => memory.changed(what) },
    pathOf: (document) => parts.catalog.get(document)?.path,
    isHere(document) {
      const record = parts.catalog.get(document);
      return record !== undefined && record.deletedAt === undefined;
    },
    count: (project) => parts.catalog.count(project),
    nameOf: (device) => nameIn(parts.others.now(), device),
  });
  const memory = createMemory({
    ...{ file: join(parts.home, 'cloud-trust.json'), now, onTrouble: parts.onTrouble },
    known: () => (id === undefined ? undefined : { cloud: id, ...watch.remembered() }),
  });
  const unsaved = createUnsaved(now);
  const purse = createBucket(WASTE.perSecond, WASTE.burst, () => performance.now());
  const stopNews = parts.rooms.onChange(({ id: document, from, count }) => {
    purse.fill(count * COST.news);
    if (place !== undefined && (from === undefined || from !== id)) unsaved.changed(document);
  });
  const stopNames = parts.catalog.onChange(({ removed }) => {
    for (const document of removed) unsaved.saved(document);
  });
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
      take: (project, rows) => parts.take(project, watch.admit(project, rows)),
      witness: watch.witness,
      unsettled: unsaved.all,
      onProjects: () => undefined,
      onHeld(document, seq) {
        looks?.held(document, seq);
        if (seq >= (parts.rooms.peek(document)?.seq ?? 0)) unsaved.saved(document);
      },
      wasted(cost) {
        if (cost < 0) purse.fill(-cost);
        else if (!purse.take(cost) && mine === turn) giveUp(made);
      },
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

  /** It sent what tells nothing new, over and over. */
  function giveUp(made: Replication): void {
    const mine = ++turn;
    replication = undefined;
    made.close();
    become('refused', FLOOD);
    parts.onDoubt('flood', FLOOD);
    again(mine, FLOODED_MS);
  }

  /** @throws Failure `forbidden` */
  async function check({ stream, cloud }: Greeted): Promise<void> {
    const name = cloud === parts.self().deviceId ? 'this device' : nameIn(await parts.others.known(), cloud);
    if (name === undefined) return;
    stream.close();
    parts.onDoubt('impostor', `It calls itself ${name}.`);
    throw new Failure('forbidden', `It calls itself ${name}, which is a device of yours and no cloud.`);
  }

  async function note(known: CloudPlace, cloud: DeviceId): Promise<void> {
    id = cloud;
    await writePrivate(file, JSON.stringify({ ...known, cloud }));
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
      await check(greeted);
      if (mine !== turn) return greeted.stream.close();
      if (id !== undefined && id !== greeted.cloud) watch.isAnother();
      if (id !== greeted.cloud) await note(place, greeted.cloud);
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
    state() {
      if (state.state === 'none') return state;
      const [late, doubts] = [unsaved.state(), watch.doubts()];
      return {
        ...state,
        ...(late === null ? {} : { unsaved: { ...late, since: new Date(late.since).toISOString() } }),
        ...(doubts.length === 0 ? {} : { doubts: [...doubts] }),
      };
    },
    testimony: watch.testimony,
    place: () => place,
    async join(wanted) {
      if (parts.mode === 'legacy') throw leftAlone();
      const greeted = await dialCloud(wanted, parts, AbortSignal.timeout(DIAL_MS));
      await check(greeted);
      const isSame = greeted.cloud === id;
      await note(wanted, greeted.cloud);
      const mine = end();
      place = wanted;
      if (isSame) watch.settled();
      else {
        watch.clear();
        unsaved.clear();
      }
      purse.fill(WASTE.burst);
      use(greeted, mine);
      return state;
    },
    async leave() {
      end();
      await rm(file, { force: true });
      place = id = undefined;
      watch.clear();
      unsaved.clear();
      state = { state: 'none' };
      parts.onChange(state);
    },
    settle: watch.settled,
    tellProjects: () => replication?.tellProjects(),
    async resume() {
      const text = await readIfThere(file);
      if (text === undefined) return;
      const known = PlaceSchema.safeParse(JSON.parse(text));
      if (!known.success) throw new Failure('storage_failed', `${file} cannot be read. Join the cloud again.`);
      const { cloud, ...found } = known.data;
      place = found;
      id = cloud;
      if (!isRemembered) {
        isRemembered = true;
        const kept = await memory.read();
        if (kept !== undefined && kept.cloud === id) watch.remember(kept);
      }
      if (parts.mode === 'legacy') become('off');
      else await connect(end());
    },
    close() {
      stopNews();
      stopNames();
      watch.close();
      end();
      return memory.close();
    },
  };
}

const nameIn = (others: OpenMesh | null, device: DeviceId): string | undefined =>
  others?.trust.members.members.get(device)?.name;
const FLOOD = 'It sent more than a cloud does, over and over, so this device cut it off for a minute.';
/** What a device answers that is set to have nothing to do with a cloud. */
export const leftAlone = (): Failure =>
  new Failure(
    'conflict',
    'This device leaves its cloud alone, because it was started with SYNC_MODE=legacy. Start it without that, then try again.',
  );
