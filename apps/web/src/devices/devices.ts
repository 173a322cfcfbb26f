/**
 * What the dialog of devices shows and does. It is asked for only while the dialog is open.
 *
 * 1. An answer that something newer has overtaken changes nothing.
 * 2. How an earlier pairing ended, before the dialog was opened, is not told again.
 */
import type { Api, CallAnswer } from '@markco/client';
import {
  Failure,
  type CloudDoubt,
  type DeviceHere,
  type DeviceId,
  type PairingHere,
  type ProjectHere,
  type ProjectId,
  type SyncMode,
} from '@markco/protocol';
import { batch, signal, type ReadonlySignal } from '@preact/signals';

const PAIRING_MS = 1_000;
const DEVICES_MS = 5_000;

export type Elsewhere = CallAnswer<'projectsElsewhere'>['projects'][number];
export type Screen = 'list' | 'add' | 'join';

export type Devices = {
  readonly screen: ReadonlySignal<Screen>;
  /** `undefined` until they are known. */
  readonly devices: ReadonlySignal<readonly DeviceHere[] | undefined>;
  readonly elsewhere: ReadonlySignal<readonly Elsewhere[]>;
  /** Whether every project of the user is opened here by itself; `undefined` until it is known. */
  readonly opensAll: ReadonlySignal<boolean | undefined>;
  /** Whether the page is a cloud's, so that "this device" is this browser; `undefined` until it is known. */
  readonly isCloud: ReadonlySignal<boolean | undefined>;
  /** What the cloud of this device did that an honest one does not. */
  readonly doubts: ReadonlySignal<readonly CloudDoubt[]>;
  /** What the cloud of this device is to it; undefined for what it usually is, and for none. */
  readonly cloudMode: ReadonlySignal<SyncMode | undefined>;
  readonly pairing: ReadonlySignal<PairingHere>;
  /** What was asked for and is not answered yet. */
  readonly doing: ReadonlySignal<string | undefined>;
  /** What went wrong last, for people. */
  readonly trouble: ReadonlySignal<string>;
  show(screen: Screen): void;
  /** Asks again and again; answers how to stop. */
  follow(): () => void;
  offer(): Promise<void>;
  approve(): Promise<void>;
  /** Nobody can join with the code any more, and who asks is told no. */
  decline(): Promise<void>;
  join(code: string): Promise<void>;
  remove(id: DeviceId): Promise<void>;
  /** Opens a project of other devices here; `undefined` when that failed. */
  attach(id: ProjectId): Promise<ProjectHere | undefined>;
  openAll(on: boolean): Promise<void>;
  /** A person has seen to what is said to be wrong with the cloud. */
  settleDoubts(): Promise<void>;
};

export function createDevices(api: Api): Devices {
  const screen = signal<Screen>('list');
  const devices = signal<readonly DeviceHere[] | undefined>(undefined);
  const elsewhere = signal<readonly Elsewhere[]>([]);
  const opensAll = signal<boolean | undefined>(undefined);
  const isCloud = signal<boolean | undefined>(undefined);
  const doubts = signal<readonly CloudDoubt[]>([]);
  const cloudMode = signal<SyncMode | undefined>(undefined);
  const pairing = signal<PairingHere>({});
  const doing = signal<string | undefined>(undefined);
  const trouble = signal('');
  let isKnown = false;
  let isOffering = false;
  let isJoining = false;
  let turn = 0;
  let looks = 0;

  async function lookAtDevices(abort?: AbortSignal): Promise<void> {
    const mine = ++looks;
    const input = abort === undefined ? {} : { signal: abort };
    const [known, others] = await Promise.all([api('devices', input), api('projectsElsewhere', input)]);
    if (mine !== looks) return;
    batch(() => {
      devices.value = known.devices;
      elsewhere.value = others.projects;
    });
  }

  async function lookAtCloud(abort: AbortSignal): Promise<void> {
    const cloud = await api('cloud', { signal: abort });
    batch(() => {
      doubts.value = cloud.state === 'none' ? [] : (cloud.doubts ?? []);
      cloudMode.value = cloud.state === 'none' ? undefined : cloud.mode;
    });
  }

  function take({ offered, joining }: PairingHere): void {
    const before = pairing.peek();
    isOffering ||= offered?.state === 'waiting' || offered?.state === 'asked';
    isJoining ||= joining?.state === 'waiting' || joining?.state === 'agreed';
    const next = {
      ...(isOffering && offered !== undefined ? { offered } : {}),
      ...(isJoining && joining !== undefined ? { joining } : {}),
    };
    batch(() => {
      if (!isKnown && isOffering) screen.value = 'add';
      else if (!isKnown && isJoining) screen.value = 'join';
      isKnown = true;
      if (JSON.stringify(next) !== JSON.stringify(before)) pairing.value = next;
    });
    const isNew =
      (next.offered?.state === 'added' && before.offered?.state !== 'added') ||
      (next.joining?.state === 'joined' && before.joining?.state !== 'joined');
    if (isNew) void lookAtDevices().catch(() => undefined);
  }

  async function lookAtPairing(abort: AbortSignal): Promise<void> {
    if (doing.peek() !== undefined) return;
    const mine = turn;
    const answer = await api('pairing', { signal: abort });
    if (mine === turn) take(answer);
  }

  /** One thing at a time: a second press while the first is on its way does nothing. */
  async function act<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    if (doing.peek() !== undefined) return undefined;
    turn += 1;
    batch(() => {
      doing.value = what;
      trouble.value = '';
    });
    try {
      return await work();
    } catch (error) {
      trouble.value = Failure.from(error).message;
      return undefined;
    } finally {
      doing.value = undefined;
    }
  }

  const pair = (what: string, work: () => Promise<PairingHere>): Promise<void> =>
    act(what, async () => take(await work()));

  return {
    screen,
    devices,
    elsewhere,
    opensAll,
    isCloud,
    doubts,
    cloudMode,
    pairing,
    doing,
    trouble,
    show: (next) =>
      batch(() => {
        screen.value = next;
        trouble.value = '';
      }),
    follow() {
      const closing = new AbortController();
      const again = async (work: (abort: AbortSignal) => Promise<void>, ms: number): Promise<void> => {
        // The page says itself when the device does not answer.
        await work(closing.signal).catch(() => undefined);
        if (!closing.signal.aborted) setTimeout(() => void again(work, ms), ms);
      };
      void again(lookAtPairing, PAIRING_MS);
      void again(lookAtDevices, DEVICES_MS);
      void again(lookAtCloud, DEVICES_MS);
      api('peerDoor', { signal: closing.signal }).then(
        () => void (isCloud.value = true),
        () => void (isCloud.value = false),
      );
      api('preferences', { signal: closing.signal }).then(
        (preferences) => void (opensAll.value = preferences.opensAll),
        () => undefined,
      );
      return () => closing.abort();
    },
    offer: () => pair('offer', () => api('offerPairing', {})),
    approve: () => pair('approve', () => api('approvePairing', {})),
    decline: () =>
      pair('decline', async () => {
        await api('declinePairing', {});
        isOffering = false;
        return { ...pairing.peek(), offered: undefined };
      }),
    join: (code) => pair('join', () => api('joinPairing', { body: { code } })),
    async remove(id) {
      await act('remove', async () => {
        await api('removeDevice', { params: { id } });
        await lookAtDevices();
      });
    },
    async openAll(on) {
      await act('openAll', async () => {
        opensAll.value = (await api('setPreferences', { body: { opensAll: on } })).opensAll;
        await lookAtDevices();
      });
    },
    async settleDoubts() {
      await act('settleDoubts', async () => {
        await api('settleCloud', {});
        doubts.value = [];
      });
    },
    attach: (id) => act(id, () => api('attachProject', { params: { id }, body: {} })),
  };
}
