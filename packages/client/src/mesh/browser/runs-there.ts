/**
 * Running code from this browser on the user's devices: where a run goes one of them says, what starts it is a grant that
 * this browser signs, for that code, once, on that one device. Nobody in between can make or change one.
 *
 * 1. A run is asked of one device only. One that does not answer may have started it, so it is asked of no other.
 * 2. Where a run is, is remembered, of the last KNOWN_MAX; of others every device that is connected is asked.
 * 3. A run that has to wait for a device is kept by another one, that of the cloud where there is one, with all that lets
 *    it start once on the device that it waits for. So it starts also when this browser is gone.
 */
import {
  Failure,
  LanguageSchema,
  sessionName,
  type Decision,
  type DeviceId,
  type FailureBody,
  type IdSource,
  type ProjectId,
  type Run,
  type RunId,
  type RunRequest,
  type SessionHere,
  type SessionId,
} from '@markco/protocol';
import {
  codeHashOf,
  isHost,
  restHashOf,
  RUN_GRANT_LIFETIME_MS,
  signGrant,
  signWaitingGrant,
  WAITING_GRANT_LIFETIME_MS,
} from '@markco/protocol/identity';
import type { CallAnswer, CallInput } from '../../api.ts';
import type { Client } from '../../client.ts';
import type { ThisDevice } from './this-device.ts';
import { createRunWatch } from './watch-runs.ts';

const KNOWN_MAX = 2_000;
/** How long a list waits for a device. */
const LIST_MS = 3_000;
/** How long who wants to run something waits until a device is connected. */
const CONNECT_MS = 12_000;
/** A device that is seen to be away so often in between is away. */
const LOOKS = 6;
const LOOK_MS = 250;

export type RunsThere = Pick<
  Client,
  'submitRun' | 'followRun' | 'answerRun' | 'cancelRun' | 'interruptSession' | 'watchProject'
> & {
  placement(input: CallInput<'placement'>): Promise<CallAnswer<'placement'>>;
  runs(input: CallInput<'runs'>): Promise<CallAnswer<'runs'>>;
  run(id: RunId): Promise<Run>;
  sessions(): Promise<CallAnswer<'sessions'>>;
  /** The device that has a session. `not_found` where none of those that are connected does. */
  deviceOfSession(id: SessionId): Promise<DeviceId>;
  deviceOfRun(id: RunId): Promise<DeviceId>;
};

type Place = {
  readonly host: DeviceId;
  readonly session: string;
  readonly projectId: ProjectId;
  readonly language: string;
  /** Why there, a sentence. */
  readonly why?: string;
  /** Who keeps it until its host is back. */
  readonly keeper?: DeviceId;
};

export function createRunsThere(device: ThisDevice, ids: IdSource): RunsThere {
  const runPlaces = new Map<RunId, DeviceId>();
  const sessionPlaces = new Map<SessionId, DeviceId>();

  const nameOf = (id: DeviceId): string =>
    device.peers.list().find(({ deviceId }) => deviceId === id)?.name ?? 'That device';

  /** Its device was named by the grant: why that one, only who asked knows. */
  const whys = new Map<RunId, string>();
  const watch = createRunWatch(device, (run, at) => {
    keep(runPlaces, run.id, at);
    keep(sessionPlaces, run.sessionId, at);
    const why = whys.get(run.id);
    return why === undefined ? run : { ...run, routedTo: { ...run.routedTo, why } };
  });
  const remember = watch.learn;

  /** Resolves once one of them is connected, or fails with why none is. */
  function someHost(signal: AbortSignal, isIt: (id: DeviceId) => boolean = () => true): Promise<DeviceId> {
    const find = (): DeviceId | undefined => device.hosts().find(({ deviceId }) => isIt(deviceId))?.deviceId;
    const now = find();
    if (now !== undefined) return Promise.resolve(now);
    device.wake();
    return new Promise((resolve, reject) => {
      const until = AbortSignal.any([signal, AbortSignal.timeout(CONNECT_MS)]);
      let looks = 0;
      const end = (): void => {
        clearInterval(timer);
        stopHearing();
      };
      const look = (): void => {
        const found = find();
        if (found === undefined) return;
        end();
        resolve(found);
      };
      const giveUp = (): void => {
        end();
        reject(nobodyAnswers(device.peers.list()));
      };
      const stopHearing = device.peers.onPeer(look);
      // All of them were tried, and none is there.
      const timer = setInterval(() => {
        const hosts = device.peers.list().filter(({ kind }) => isHost(kind));
        const isTrying = hosts.some(({ state }) => state !== 'offline') && !hosts.some(({ isRefused }) => isRefused);
        if (!isTrying && ++looks >= LOOKS) giveUp();
      }, LOOK_MS);
      until.addEventListener('abort', giveUp, { once: true });
    });
  }

  /** Asks all that are connected at once; who does not answer in time is left out. */
  async function askAll<T>(
    ask: (client: Client, signal: AbortSignal) => Promise<T>,
  ): Promise<(readonly [DeviceId, T])[]> {
    const signal = AbortSignal.timeout(LIST_MS);
    const asked = device
      .hosts()
      .map(async ({ deviceId }) => [deviceId, await ask(device.client(deviceId), signal)] as const);
    return (await Promise.allSettled(asked)).flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  }

  async function deviceOfRun(id: RunId): Promise<DeviceId> {
    const known = runPlaces.get(id);
    if (known !== undefined) return known;
    await someHost(AbortSignal.timeout(CONNECT_MS));
    const told = await askAll((client, signal) => client.api('run', { params: { id }, signal }));
    const [first] = told;
    if (first === undefined) throw new Failure('not_found', 'None of your devices that answer now knows this run.');
    // The device that has it knows better than one that submitted it there.
    const host = told.find(([at, run]) => run.routedTo.deviceId === at) ?? first;
    remember(host[1], host[0]);
    return host[0];
  }

  async function sessions(): Promise<CallAnswer<'sessions'>> {
    const told = await askAll((client, signal) => client.api('sessions', { signal }));
    const all = told.flatMap(([at, answer]) =>
      answer.sessions.map((session): SessionHere => {
        keep(sessionPlaces, session.id, at);
        return { ...session, hostDeviceId: at, deviceName: nameOf(at) };
      }),
    );
    return { sessions: all };
  }

  async function deviceOfSession(id: SessionId): Promise<DeviceId> {
    if (!sessionPlaces.has(id)) await sessions();
    const found = sessionPlaces.get(id);
    if (found === undefined) throw new Failure('not_found', 'None of your devices that answer now has this session.');
    return found;
  }

  async function decide(input: CallInput<'placement'>, signal: AbortSignal): Promise<Decision> {
    const asked = new Set<DeviceId>();
    for (let last: unknown = undefined; ;) {
      const adviser = await someHost(signal, (id) => !asked.has(id)).catch((error: unknown) => {
        // That they do not know this browser any more explains why one did not answer, too.
        throw error instanceof Failure && error.code === 'forbidden' ? error : (last ?? error);
      });
      try {
        return await device.client(adviser).api('placement', { ...input, signal });
      } catch (error) {
        asked.add(adviser);
        last = error;
      }
    }
  }

  async function placeOf(request: RunRequest, signal: AbortSignal): Promise<Place> {
    if (request.sessionId !== undefined) {
      const host = await deviceOfSession(request.sessionId);
      const { sessions: all } = await device.client(host).api('sessions', { signal });
      const session = all.find(({ id }) => id === request.sessionId);
      if (session === undefined) throw new Failure('not_found', `${nameOf(host)} has no such session any more.`);
      const { projectId, language } = session;
      return { host, projectId, language, session: `${projectId}/${language}/${sessionName(session)}` };
    }
    const { projectId, language, documentId, code, runOn } = request;
    if (projectId === undefined || language === undefined)
      throw new Failure('bad_request', 'A run names its session, or its project and language.');
    const decision = await decide(
      {
        body: {
          ...{ projectId, language, code },
          ...(documentId === undefined ? {} : { documentId }),
          ...(runOn === undefined ? {} : { runOn }),
        },
      },
      signal,
    );
    const { chosen, waitsFor, why } = decision;
    if (chosen === undefined) {
      if (waitsFor === undefined) throw new Failure('runtime_missing', why);
      const keeper = await keeperFor(waitsFor, signal);
      return { host: waitsFor, keeper, projectId, language, why, session: `${projectId}/${language}` };
    }
    const host = await someHost(signal, (id) => id === chosen).catch((cause: unknown) => {
      if (cause instanceof Failure && cause.code === 'forbidden') throw cause;
      const message = `${nameOf(chosen)} would run it, and does not answer this browser now. Wake it, or choose another device for the cell.`;
      throw new Failure('not_ready', message, { cause });
    });
    // Which of its sessions is for the host to say, by what the document wishes.
    return { host, projectId, language, why, session: `${projectId}/${language}` };
  }

  /** One that is always on, if there is one; else any. */
  async function keeperFor(host: DeviceId, signal: AbortSignal): Promise<DeviceId> {
    const any = await someHost(signal, (id) => id !== host);
    return device.hosts().find(({ deviceId, kind }) => kind === 'server-agent' && deviceId !== host)?.deviceId ?? any;
  }

  /** What lets it start, once, there. */
  async function leaveFor(place: Place, id: RunId, request: RunRequest): Promise<Partial<RunRequest>> {
    const { host, keeper, session, projectId, language } = place;
    const grant = {
      ...{ submitter: device.deviceId, host, run: id, project: projectId, session, code: codeHashOf(request.code) },
      language: LanguageSchema.parse(language),
      nonce: new Uint8Array(ids.randomBytes(16)),
      epoch: device.trust.members.epoch,
      fence: 0,
    };
    const now = ids.now();
    if (keeper === undefined)
      return { grant: base64(await signGrant({ ...grant, expiresAt: now + RUN_GRANT_LIFETIME_MS }, device.sign)) };
    const waiting = { ...grant, expiresAt: now + WAITING_GRANT_LIFETIME_MS, rest: restHashOf(request) };
    const sealed = await signWaitingGrant(waiting, device.sign);
    return { grant: base64(sealed), certificate: base64(device.trust.certificate) };
  }

  return {
    sessions,
    deviceOfSession,
    deviceOfRun,
    placement: ({ signal = AbortSignal.timeout(CONNECT_MS), ...input }) => decide(input, signal),

    async submitRun(request, signal) {
      if (request.id === undefined) throw new Failure('bad_request', 'A run is named by whoever asks for it.');
      const place = await placeOf(request, signal);
      const { projectId, language, keeper } = place;
      const at = keeper ?? place.host;
      keep(runPlaces, request.id, at);
      if (place.why !== undefined) keep(whys, request.id, place.why);
      const { runOn: _, ...asked } = request;
      const leave = await leaveFor(place, request.id, request);
      return remember(await device.client(at).submitRun({ ...asked, projectId, language, ...leave }, signal), at);
    },

    followRun(id, fromSeq, follower) {
      let stop = (): void => undefined;
      let isOver = false;
      deviceOfRun(id).then(
        (at) => {
          const onEnd = (run: Run): void => follower.onEnd(remember(run, at));
          if (!isOver) stop = device.client(at).followRun(id, fromSeq, { ...follower, onEnd });
        },
        (error: unknown) => follower.onError?.(bodyOf(error)),
      );
      return () => {
        isOver = true;
        stop();
      };
    },
    answerRun: async (id, text) => device.client(await deviceOfRun(id)).answerRun(id, text),
    async cancelRun(id) {
      const at = await deviceOfRun(id);
      return remember(await device.client(at).cancelRun(id), at);
    },
    interruptSession: async (id) => device.client(await deviceOfSession(id)).interruptSession(id),

    async runs(input) {
      const told = await askAll((client, signal) => client.api('runs', { ...input, signal }));
      const found = new Map<RunId, Run>();
      for (const [at, { runs }] of told)
        for (const run of runs) {
          const host = run.routedTo.deviceId ?? at;
          if (found.has(run.id) && host !== at) continue;
          found.set(run.id, run);
          const isThere = run.waitsFor === undefined && device.hosts().some(({ deviceId }) => deviceId === host);
          remember(run, isThere ? host : at);
        }
      return { runs: [...found.values()].toSorted((a, b) => (a.id < b.id ? 1 : -1)) };
    },
    async run(id) {
      const at = await deviceOfRun(id);
      return remember(await device.client(at).api('run', { params: { id } }), at);
    },

    watchProject: watch.watchProject,
  };
}

function keep<K, V>(known: Map<K, V>, key: K, value: V): void {
  known.delete(key);
  known.set(key, value);
  const [oldest] = known.keys();
  if (known.size > KNOWN_MAX && oldest !== undefined) known.delete(oldest);
}

const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));

const bodyOf = (error: unknown): FailureBody['error'] => Failure.from(error).toBody().error;

function nobodyAnswers(peers: ReturnType<ThisDevice['peers']['list']>): Failure {
  if (peers.some(({ isRefused }) => isRefused))
    return new Failure(
      'forbidden',
      'Your devices do not take this browser for one of them: it was removed, or they have not heard of it yet. If it is yours, add it again under Devices.',
    );
  const why = peers.flatMap(({ name, why: said }) => (said === null ? [] : [`${name}: ${said}`]))[0];
  return new Failure(
    'not_ready',
    `None of your devices answers this browser now. Wake one of them and start MarkCo there (markco up), then run the cell again.${why === undefined ? '' : ` ${why}`}`,
  );
}
