/**
 * The client of a page at a cloud, whose browser may be one of the user's devices: documents are the cloud's, runs and
 * sessions those of the devices, asked by this browser itself. While it is none, everything is asked of the server.
 */
import { Failure, type PairingHere, type RouteName } from '@markco/protocol';
import type { Api, CallAnswer, CallInput } from '../api.ts';
import type { Client } from '../client.ts';
import type { RunsThere, ThisDevice } from './browser/index.ts';

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
  const runsOf = (): Promise<Pick<RunsThere, 'submitRun' | 'answerRun' | 'cancelRun' | 'interruptSession'>> =>
    way.isDevice() ? runs() : Promise.resolve(server);

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
    const { device, runs: there } = await way.open();
    const id = (input.params?.['session'] ?? input.params?.['id'] ?? input.body?.session ?? '') as never;
    return device.client(await there.deviceOfSession(id)).api(name, input as never);
  }

  /** While this browser is a device. */
  const asDevice: Answers = {
    devices: async () => ({ devices: (await way.open()).device.devices() }),
    placement: async (input) => (await runs()).placement(input),
    runs: async (input) => (await runs()).runs(input),
    run: async ({ params }) => (await runs()).run(params.id as never),
    sessions: async () => (await runs()).sessions(),
    async runOutput(input) {
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
    submitRun: async (request, signal) => (await runsOf()).submitRun(request, signal),
    answerRun: async (id, text) => (await runsOf()).answerRun(id, text),
    cancelRun: async (id) => (await runsOf()).cancelRun(id),
    interruptSession: async (id) => (await runsOf()).interruptSession(id),

    followRun(id, fromSeq, follower) {
      if (!way.isDevice()) return server.followRun(id, fromSeq, follower);
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
      const stops = [server.watchProject(id, onChange)];
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
