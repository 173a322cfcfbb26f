/**
 * For tests: devices with the real parts that place and take runs, on disks in memory, a wire that delays, loses and
 * doubles what it carries, and programs that crash. Time is virtual (`vi.useFakeTimers`).
 *
 * `starts` is what an outsider would see: when the code of a run began to run, each time, anywhere. Sessions whose name
 * begins with `held` are on the second device.
 */
import {
  Failure,
  newId,
  runMachine,
  type DeviceId,
  type NodeCapability,
  type ProjectId,
  type Run,
  type RunId,
  type SessionId,
  type UserId,
} from '@markco/protocol';
import { createSimulatedDisk } from '@markco/replica/store/simulated';
import type { Peer } from '@markco/client/mesh/peers';
import { createAwakeClock } from './awake-clock.ts';
import { createDecide } from './decide.ts';
import { createPlaceRuns, type PlaceRuns } from './place-runs.ts';
import { isForHost, readStartMessage, type Placeable, type StartMessage } from './start-messages.ts';
import { createSurvey } from './survey.ts';
import { createTakeOffers, type TakeOffers } from './take-offers.ts';

export type Wire = {
  /** What becomes of a message: after how many milliseconds it arrives, once for each; none for one that is lost. */
  carry: (from: number, to: number) => readonly number[];
  /** Whether two devices know that they are connected. */
  isUp: (one: number, other: number) => boolean;
};

export type SmallDevice = {
  readonly id: DeviceId;
  readonly name: string;
  placed: PlaceRuns;
  /** Runs here, by what is on the disk. */
  readonly journal: Map<RunId, Run>;
  /** kill -9, and started again: what ran is lost, what is on disk is found. */
  crash(): Promise<void>;
  /** A run here is over. */
  finish(id: RunId): void;
  submit(code: string, named?: DeviceId): Promise<Run>;
  /** Sends what another device sends: for tests of one side. */
  receive(from: DeviceId, message: StartMessage): void;
  close(): Promise<void>;
};

export type SmallMesh = {
  readonly devices: readonly SmallDevice[];
  /** Unix milliseconds. */
  readonly starts: Map<RunId, number[]>;
  readonly sent: { readonly from: number; readonly to: number; readonly message: StartMessage }[];
  readonly troubles: unknown[];
  /** Each device tells each other how it is; the wire may lose it. */
  beat(): void;
  /** The wire has changed: who is connected hears of it. */
  rewired(): void;
};

export const project = '019a8f3c-0000-7000-8000-0000000000aa' as ProjectId;

export async function smallMesh(
  count: number,
  wire: Wire,
  ids: { now: () => number; randomBytes: (length: number) => Uint8Array },
  slots = 2,
): Promise<SmallMesh> {
  const starts = new Map<RunId, number[]>();
  const sent: { from: number; to: number; message: StartMessage }[] = [];
  const troubles: unknown[] = [];
  const names = Array.from({ length: count }, (_, at) => ({ id: newId<DeviceId>(ids), name: `device-${at}` }));
  const numberOf = (id: DeviceId): number => names.findIndex((each) => each.id === id);
  const links = new Map<string, { isUp: boolean; since: number }>();
  const linkOf = (one: number, other: number) => {
    const key = [one, other].toSorted((a, b) => a - b).join();
    const found = links.get(key) ?? { isUp: true, since: ids.now() };
    links.set(key, found);
    return found;
  };
  const heard: Map<DeviceId, { capability: NodeCapability; runningRuns: number; queuedRuns: number; at: number }>[] =
    names.map(() => new Map());
  const capabilityOf = (id: DeviceId): NodeCapability => ({
    deviceId: id,
    online: true,
    heartbeatAt: new Date(ids.now()).toISOString(),
    runtimes: [{ language: 'python', available: true }],
    resources: { network: 'wifi' },
    policy: { allowRemoteExecution: true, allowHeavyJobs: true, allowWhenOnBattery: true, maxConcurrentRuns: slots },
  });

  const holderOf = (session: string): DeviceId | null => (session.startsWith('held') ? (names[1]?.id ?? null) : null);

  async function make(at: number): Promise<SmallDevice> {
    const { id, name } = names[at] as { id: DeviceId; name: string };
    const { store } = createSimulatedDisk();
    const journal = new Map<RunId, Run>();
    const running = new Set<RunId>();
    let generation = 0;
    let listeners: ((run: Run) => void)[] = [];
    let hosting: TakeOffers;

    function note(run: Run): Run {
      journal.set(run.id, run);
      for (const listener of listeners) listener(run);
      return run;
    }

    function accept(request: Placeable): Promise<Run> {
      const known = journal.get(request.id);
      if (known !== undefined) return Promise.resolve(known);
      starts.set(request.id, [...(starts.get(request.id) ?? []), ids.now()]);
      running.add(request.id);
      return Promise.resolve(note(runOf(request, id, 'running')));
    }

    async function open() {
      const mine = ++generation;
      listeners = [];
      const isMine = (): boolean => generation === mine;
      const clock = createAwakeClock(ids.now, ids.now);
      const state = async () => ({ capability: capabilityOf(id), runningRuns: running.size, queuedRuns: 0 });
      const onTrouble = (_: string, cause: unknown): void => void troubles.push(cause);
      const survey = createSurvey({
        ...{ self: { id, name, kind: 'desktop' }, own: state, now: ids.now },
        peers: () => names.filter((other) => other.id !== id).map((other) => peerOf(other)),
        heartbeats: () => heard[at] ?? new Map(),
      });
      const send = (to: DeviceId, message: StartMessage): void => {
        if (!isMine()) return;
        sent.push({ from: at, to: numberOf(to), message });
        const line = JSON.stringify(message);
        for (const delay of to === id ? [0] : wire.carry(at, numberOf(to)))
          setTimeout(() => {
            const read = readStartMessage(line);
            if (read === null) throw new Error(`this is no message: ${line}`);
            devices[numberOf(to)]?.receive(id, read);
          }, delay);
      };
      hosting = createTakeOffers({
        ...{ ids, store, clock, send, state, onTrouble },
        runs: {
          get: async (run) => journal.get(run) ?? null,
          cancel: async (run) => {
            const known = journal.get(run);
            if (known !== undefined && running.delete(run)) note({ ...known, state: 'cancelled' });
          },
          onChange(listener) {
            listeners.push(listener);
            return () => void (listeners = listeners.filter((each) => each !== listener));
          },
        },
        refuses: async () => null,
        mistrusts: () => null,
        prepare: async () => undefined,
        accept: (request, grant, from) => {
          const [host, fence] = Buffer.from(grant, 'base64').toString().split('/');
          if (from !== id && host !== id) throw new Failure('forbidden', 'The grant to run is for another device.');
          if (!Number.isInteger(Number(fence))) throw new Failure('forbidden', 'This is no grant.');
          return isMine() ? accept(request) : Promise.reject(new Failure('not_ready', 'It was killed.'));
        },
      });
      return createPlaceRuns({
        ...{ self: id, userId: () => USER, ids, store, survey, send, clock, onTrouble },
        decide: createDecide({
          self: id,
          survey,
          now: ids.now,
          holders: () => names.map((each) => each.id),
          isOpen: () => true,
          placesElsewhere: true,
          fallsBack: true,
        }),
        sessionOn: ({ name: session }) => holderOf(session),
        grant: (_, __, host, fence) => Buffer.from(`${host}/${fence}`).toString('base64'),
        reopen: () => undefined,
        onRun: () => undefined,
        onGranted: () => undefined,
        onDecided: () => undefined,
      });
    }

    function peerOf(other: { id: DeviceId; name: string }): Peer {
      const { isUp, since } = linkOf(at, numberOf(other.id));
      return {
        ...{
          deviceId: other.id,
          peerId: other.name,
          name: other.name,
          kind: 'desktop',
          since,
          why: null,
          addresses: [],
          isRelay: false,
        },
        state: isUp ? 'connected' : 'connecting',
        paths: [],
      };
    }

    const device: SmallDevice = {
      id,
      name,
      journal,
      placed: await open(),
      async crash() {
        for (const run of running) {
          const known = journal.get(run);
          if (known !== undefined)
            journal.set(run, { ...known, state: 'failed', error: { type: 'lost', message: 'It stopped.' } });
        }
        running.clear();
        hosting.close();
        const before = device.placed;
        device.placed = await open();
        await before.close();
      },
      finish(run) {
        const known = journal.get(run);
        if (known !== undefined && running.delete(run)) note({ ...known, state: 'completed' });
      },
      async submit(code, named) {
        const runId = newId<RunId>(ids);
        const session = { projectId: project, language: 'python' as const, name: code };
        const want = { session, named: named ?? null, needsGpu: false, sessionOn: holderOf(code) };
        const survey = createSurvey({
          ...{ self: { id, name, kind: 'desktop' }, now: ids.now },
          own: async () => ({ capability: { ...capabilityOf(id), runtimes: [] }, runningRuns: 0, queuedRuns: 0 }),
          peers: () => names.filter((other) => other.id !== id).map(peerOf),
          heartbeats: () => heard[at] ?? new Map(),
        });
        const decide = createDecide({
          self: id,
          survey,
          now: ids.now,
          holders: () => names.map((each) => each.id),
          isOpen: () => true,
          placesElsewhere: true,
          fallsBack: true,
        });
        const request = { id: runId, projectId: project, language: 'python', code };
        return device.placed.submit(request, want, await decide(runId, want));
      },
      receive(from, message) {
        const done = isForHost(message) ? hosting.receive(from, message) : device.placed.receive(from, message);
        done.catch((error: unknown) => troubles.push(error));
      },
      async close() {
        hosting.close();
        await device.placed.close();
      },
    };
    return device;
  }

  const devices: SmallDevice[] = [];
  for (let at = 0; at < count; at++) devices.push(await make(at));
  const mesh: SmallMesh = {
    ...{ devices, starts, sent, troubles },
    beat() {
      for (const [from, { id, journal }] of devices.entries())
        for (const [to] of devices.entries()) {
          if (from === to || wire.carry(from, to).length === 0) continue;
          const runningRuns = [...journal.values()].filter(({ state }) => state === 'running').length;
          heard[to]?.set(id, { capability: capabilityOf(id), runningRuns, queuedRuns: 0, at: ids.now() });
          devices[to]?.placed.heard();
        }
    },
    rewired() {
      for (let one = 0; one < count; one++)
        for (let other = one + 1; other < count; other++) {
          const link = linkOf(one, other);
          if (link.isUp === wire.isUp(one, other)) continue;
          Object.assign(link, { isUp: !link.isUp, since: ids.now() });
          for (const [here, there] of [
            [devices[one], devices[other]],
            [devices[other], devices[one]],
          ]) {
            if (here === undefined || there === undefined) continue;
            if (link.isUp) here.placed.back(there.id);
            else here.placed.gone(there.id);
          }
        }
    },
  };
  return mesh;
}

const USER = '019a8f3c-0000-7000-8000-0000000000bb' as UserId;

function runOf({ id, projectId, code }: Placeable, host: DeviceId, state: Run['state']): Run {
  return {
    ...{ id, userId: USER, projectId, code, state, language: 'python' },
    sessionId: id as unknown as SessionId,
    routedTo: { hostType: 'device', deviceId: host, reason: 'availability' },
    createdAt: '2026-11-21T10:00:00.000Z',
  };
}

export const isOver = ({ state }: Run): boolean => runMachine.isTerminal(state);
