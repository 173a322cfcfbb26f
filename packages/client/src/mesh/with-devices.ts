/**
 * The client of a page at a cloud, whose browser may be one of the user's devices: documents are the cloud's, runs and
 * sessions those of the devices, asked by this browser itself. While it is none, everything is asked of the server.
 */
import {
  Failure,
  type Decision,
  type PairingHere,
  type RouteName,
  type Run,
  type RunId,
  type RunRequest,
} from '@markco/protocol';
import type { Api, CallAnswer, CallInput } from '../api.ts';
import type { Client } from '../client.ts';
import type { RunsThere, ThisDevice } from './browser/index.ts';
import { createCloudAgents } from './with-agents.ts';

export type AsDevice = { readonly device: ThisDevice; readonly runs: RunsThere };

export type Way = {
  /** Whether this browser is one of the user's devices. */
  isDevice(): boolean;
  /** As a device: rejects with why it cannot be one now. */
  open(): Promise<AsDevice>;
  /** How a joining goes that was begun here; undefined when none was. */
  joining(): PairingHere['joining'];
  /** Answers at once; `joining` says how it goes. */
  join(code: string): void;
  /** It has become one. Answers how to stop. */
  onJoined(listener: () => void): () => void;
};

/** What is asked of the device that has the session. */
const OF_SESSIONS = [
  'mrpComplete',
  'mrpInspect',
  'mrpHover',
  'mrpVariables',
  'mrpVariable',
  'restartSession',
  'deleteSession',
  'interruptSession',
] as const satisfies readonly RouteName[];

type Asked = { readonly params?: Readonly<Record<string, string>>; readonly body?: { readonly session?: string } };
type Answers = { readonly [N in RouteName]?: (input: CallInput<N>) => Promise<CallAnswer<N>> };

export function withDevices(server: Client, way: Way): Client {
  const runs = async (): Promise<RunsThere> => (await way.open()).runs;
  const agents = createCloudAgents(server);
  /** Where a run or a session is. */
  const placeOf = (id: string): Promise<Pick<RunsThere, 'answerRun' | 'cancelRun' | 'interruptSession' | 'run'>> =>
    way.isDevice() && !agents.has(id) ? runs() : Promise.resolve({ ...server, run: runOfServer });
  const runOfServer = (id: RunId): Promise<Run> => server.api('run', { params: { id } });

  /** Why a run did not get to a device: a cloud that passes none on says so. */
  async function said(error: unknown): Promise<unknown> {
    const { closed } = await server.api('peerDoor', {}).catch(() => ({ closed: undefined }));
    return closed === undefined ? error : new Failure('not_ready', closed);
  }

  async function submit(request: RunRequest, signal: AbortSignal): Promise<Run> {
    if (!way.isDevice()) return server.submitRun(request, signal);
    if (await agents.isNamed(request.runOn)) return agents.learn(await server.submitRun(request, signal));
    try {
      return await (await runs()).submitRun(request, signal);
    } catch (error) {
      throw await said(error);
    }
  }

  /** What the devices say, and beside it what the agents could do. */
  async function placement(input: CallInput<'placement'>): Promise<Decision> {
    const there = await agents.placement(input);
    if (there !== null && (await agents.isNamed(input.body.runOn))) return there;
    try {
      const decision = await (await runs()).placement(input);
      return there === null ? decision : { ...decision, devices: [...decision.devices, ...there.devices] };
    } catch (error) {
      const why = await said(error);
      if (there === null) throw why;
      const { chosen: _, waitsFor: __, reason: ___, ...others } = there;
      return { ...others, why: Failure.from(why).message };
    }
  }

  let isCloud: Promise<boolean> | undefined;
  /** A device's own page has its own way to the others. */
  function atCloud(): Promise<boolean> {
    isCloud ??= server.api('peerDoor', {}).then(
      () => true,
      (error: unknown) => {
        isCloud = undefined;
        if (error instanceof Failure && error.code === 'not_found') return false;
        throw error;
      },
    );
    return isCloud;
  }

  async function ofSession(name: (typeof OF_SESSIONS)[number], input: Asked): Promise<unknown> {
    const id = (input.params?.['session'] ?? input.params?.['id'] ?? input.body?.session ?? '') as never;
    if (agents.has(id)) return server.api(name, input as never);
    const { device, runs: there } = await way.open();
    return device.client(await there.deviceOfSession(id)).api(name, input as never);
  }

  /** While this browser is a device. */
  const asDevice: Answers = {
    devices: async () => ({ devices: [...(await way.open()).device.devices(), ...(await agents.devices())] }),
    placement,
    async runs(input) {
      const [there, here] = await Promise.all([runs().then((each) => each.runs(input)), agents.runs(input)]);
      return { runs: here.length === 0 ? there.runs : [...there.runs, ...here].toSorted(newestFirst) };
    },
    run: async ({ params }) => (await placeOf(params.id)).run(params.id as RunId),
    async sessions() {
      const [there, here] = await Promise.all([runs().then((each) => each.sessions()), agents.sessions()]);
      return { ...there, sessions: [...there.sessions, ...here] };
    },
    async runOutput(input) {
      if (agents.has(input.params.id)) return server.api('runOutput', input);
      const { device, runs: there } = await way.open();
      return device.client(await there.deviceOfRun(input.params.id as never)).api('runOutput', input);
    },
    removeDevice() {
      const message = 'A browser removes no devices. On one of your machines: markco devices remove NAME';
      return Promise.reject(new Failure('forbidden', message));
    },
    ...(Object.fromEntries(OF_SESSIONS.map((name) => [name, (input: Asked) => ofSession(name, input)])) as Answers),
  };
  const atAnyTime: Answers = {
    async pairing(input) {
      const joining = way.joining();
      if (joining !== undefined) return { joining };
      return (await atCloud()) ? {} : server.api('pairing', input);
    },
    async joinPairing(input) {
      if (!(await atCloud())) return server.api('joinPairing', input);
      way.join(input.body.code);
      return { joining: way.joining() };
    },
  };

  const api: Api = (name, input) => {
    const answer = atAnyTime[name] ?? (way.isDevice() ? asDevice[name] : undefined);
    return answer === undefined ? server.api(name, input) : answer(input as never);
  };

  return {
    ...server,
    api,
    submitRun: submit,
    answerRun: async (id, text) => (await placeOf(id)).answerRun(id, text),
    cancelRun: async (id) => (await placeOf(id)).cancelRun(id),
    interruptSession: async (id) => (await placeOf(id)).interruptSession(id),

    followRun(id, fromSeq, follower) {
      if (!way.isDevice() || agents.has(id)) return server.followRun(id, fromSeq, follower);
      let stop = (): void => undefined;
      let isOver = false;
      runs().then(
        (there) => {
          if (!isOver) stop = there.followRun(id, fromSeq, follower);
        },
        (error: unknown) => follower.onError?.(Failure.from(error).toBody().error),
      );
      return () => {
        isOver = true;
        stop();
      };
    },

    watchProject(id, onChange) {
      const stops = [
        server.watchProject(id, (change) => {
          if (change.run !== undefined) agents.learn(change.run);
          onChange(change);
        }),
      ];
      let isOver = false;
      const watch = (): void => {
        runs().then(
          (there) => {
            if (!isOver) stops.push(there.watchProject(id, onChange));
          },
          // Whoever asks for a run is told.
          () => undefined,
        );
      };
      if (way.isDevice()) watch();
      stops.push(way.onJoined(watch));
      return () => {
        isOver = true;
        for (const stop of stops) stop();
      };
    },

    async close() {
      if (way.isDevice())
        await way.open().then(
          ({ device }) => device.close(),
          () => undefined,
        );
      await server.close();
    },
  };
}

const newestFirst = (a: Run, b: Run): number => (a.id < b.id ? 1 : -1);
