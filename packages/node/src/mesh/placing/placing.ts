/**
 * Where runs go among the user's devices: decided here for what is asked here, and taken in for what others place here.
 *
 * Each two devices that are connected have one stream for this. A message that cannot be sent now is dropped: what is
 * asked again later, and by whom, is part of the protocol.
 */
import {
  codeOptions,
  DEFAULT_SESSION,
  Failure,
  newId,
  sessionName,
  type Device,
  type DeviceId,
  type IdSource,
  type Project,
  type ProjectId,
  type Run,
  type RunId,
  type RunRequest,
  type UserId,
} from '@markco/protocol';
import { RUN_GRANT_LIFETIME_MS, sealGrant, type RunGrant } from '@markco/protocol/identity';
import {
  ownRefusalOf,
  wantsGpu,
  wishOf,
  type DecisionRecord,
  type HostState,
  type PlaceRequest,
} from '@markco/scheduler';
import type { Runs } from '../../runs/runs.ts';
import { runtimeFor } from '../../runtimes/descriptor.ts';
import type { LocalStore } from '@markco/replica/store/store';
import type { SessionFor } from '../../submit.ts';
import type { Heartbeat } from '../control.ts';
import type { MessageStream } from '@markco/replica/replicate/message-stream';
import type { Peer } from '@markco/client/mesh/peers';
import { systemCodeHash } from '../system-signature.ts';
import type { Trust } from '../trust.ts';
import { waitingGrantOf } from '../runs/waiting-grant.ts';
import { createAwakeClock } from './awake-clock.ts';
import { createDecide, type Wanted } from './decide.ts';
import { createDecisions } from './decisions.ts';
import { createPlaceRuns } from './place-runs.ts';
import { isForHost, readStartMessage, type Placeable, type StartMessage } from './start-messages.ts';
import { createSurvey, deviceCalled, sessionInGrant, type SessionPlace } from './survey.ts';
import { createTakeOffers } from './take-offers.ts';

/** Bytes that may wait for another device before messages to it are dropped. */
const BACKLOG_BYTES_MAX = 4 * 1024 * 1024;
/** Until its heartbeats tell of it, a session is known to be where it was started. */
const RECENT_MS = 45_000;
const RECENT_MAX = 1_000;
const CANCEL_MS = 30_000;

export type PlacingParts = {
  readonly trust: Trust;
  readonly device: Device;
  readonly userId: () => UserId;
  readonly ids: IdSource;
  readonly store: LocalStore;
  readonly runs: Runs;
  readonly sessionFor: SessionFor;
  readonly submitHere: (request: RunRequest) => Promise<Run>;
  /** Checks the grant of another device and takes its run into the journal. */
  readonly acceptFrom: (from: DeviceId, request: RunRequest) => Promise<Run>;
  /** Resolves when the project is open here and the document has arrived. */
  readonly prepare: (request: Placeable) => Promise<void>;
  readonly state: () => Promise<HostState>;
  readonly peers: () => readonly Peer[];
  readonly heartbeats: () => ReadonlyMap<DeviceId, Heartbeat & { readonly at: number }>;
  /** Projects that other devices have open. */
  readonly elsewhere: () => ReadonlyMap<
    ProjectId,
    { readonly project: Project; readonly devices: readonly DeviceId[] }
  >;
  /** Whether a project is open on this one. */
  readonly isOpen: (id: ProjectId) => boolean;
  readonly placesElsewhere: boolean;
  readonly fallsBack: boolean;
  readonly onRun: (run: Run) => void;
  /** It may start there from now on. */
  readonly onGranted: (run: Run, host: DeviceId) => void;
  /** A run that is asked of this device goes elsewhere, or waits. */
  readonly onDecided: (record: DecisionRecord) => void;
  readonly onTrouble: (doing: string, cause: unknown) => void;
};

export type Placing = Awaited<ReturnType<typeof createPlacing>>;

export async function createPlacing(parts: PlacingParts) {
  const { trust, device, ids, store, runs, onTrouble } = parts;
  const clock = createAwakeClock(ids.now);
  const streams = new Map<DeviceId, MessageStream>();
  const recent = new Map<string, { readonly device: DeviceId; readonly at: number; readonly isMoved: boolean }>();
  const now = (): number => trust.now();
  const survey = createSurvey({
    ...{ self: device, own: parts.state, now },
    ...{ peers: parts.peers, heartbeats: parts.heartbeats },
  });
  const holders = (id: ProjectId): readonly DeviceId[] => parts.elsewhere().get(id)?.devices ?? [];
  const { isOpen, placesElsewhere, fallsBack } = parts;
  const decide = createDecide({ self: device.id, survey, now, holders, isOpen, placesElsewhere, fallsBack, movedTo });
  const decisions = await createDecisions(store, onTrouble);

  function send(to: DeviceId, message: StartMessage): void {
    if (to === device.id) return queueMicrotask(() => receive(device.id, message));
    const stream = streams.get(to);
    if (stream !== undefined && stream.waiting() < BACKLOG_BYTES_MAX) stream.sendText(JSON.stringify(message));
  }

  function receive(from: DeviceId, message: StartMessage): void {
    const done = isForHost(message) ? hosting.receive(from, message) : placed.receive(from, message);
    done.catch((error: unknown) => onTrouble('a run among devices', error));
  }

  async function refuses(request: Placeable, from: DeviceId) {
    const brought = request.certificate === undefined ? null : waitingGrantOf(trust, request, device.id);
    const asker = brought === null || brought instanceof Failure ? from : brought.submitter;
    if (asker !== device.id && trust.members.members.get(asker)?.caps.includes('submit') !== true)
      return 'remote-execution-off' as const;
    const language = runtimeFor(request.language)?.language;
    if (language === undefined) return 'runtime-missing' as const;
    const { capability } = await parts.state();
    // Whoever names a device has it against the rules that only protect from a bad choice.
    const asked = { language, needsGpu: needsOf(request, language), from: asker, runOn: device.id };
    return ownRefusalOf({ deviceId: device.id, capability }, asked);
  }

  const hosting = createTakeOffers({
    ...{ ids, store, clock, send, refuses, state: parts.state, prepare: parts.prepare, onTrouble },
    mistrusts(request) {
      const grant = waitingGrantOf(trust, request, device.id);
      return grant instanceof Failure ? grant : null;
    },
    runs: {
      get: runs.get,
      onChange: runs.onChange,
      cancel: (id) => runs.cancel(id, AbortSignal.timeout(CANCEL_MS)),
    },
    accept: (request, grant, from) =>
      from === device.id ? parts.submitHere(request) : parts.acceptFrom(from, { ...request, grant }),
  });
  await hosting.tidy();

  const keyOf = ({ projectId, language, name }: SessionPlace): string => JSON.stringify([projectId, language, name]);

  function sessionOn(session: SessionPlace): DeviceId | null {
    const isIt = (one: ReturnType<typeof runs.sessions.list>[number]): boolean =>
      one.projectId === session.projectId &&
      one.language === session.language &&
      one.state === 'running' &&
      sessionName(one) === session.name;
    if (runs.sessions.list().some(isIt)) return device.id;
    const moved = movedTo(session);
    if (moved !== null) return moved;
    const started = recent.get(keyOf(session));
    return started !== undefined && now() - started.at < RECENT_MS ? started.device : survey.holderOf(session);
  }

  /** The other device to which a person moved a session. */
  function movedTo(session: SessionPlace): DeviceId | null {
    const known = recent.get(keyOf(session));
    if (known?.isMoved === true && now() - known.at < RECENT_MS)
      return known.device === device.id ? null : known.device;
    return survey.holderOf(session, true);
  }

  function grant(request: Placeable, session: SessionPlace, host: DeviceId, fence: number): string {
    // Kept for who asked: this device could give none for it.
    if (request.certificate !== undefined && request.grant !== undefined) return request.grant;
    const made: RunGrant = {
      submitter: device.id,
      host,
      run: request.id,
      project: request.projectId,
      session: sessionInGrant(session),
      code: systemCodeHash(request.code),
      language: session.language,
      expiresAt: ids.now() + RUN_GRANT_LIFETIME_MS,
      nonce: new Uint8Array(ids.randomBytes(16)),
      epoch: trust.members.epoch,
      fence,
    };
    return Buffer.from(sealGrant(made, trust.signer)).toString('base64');
  }

  const placed = await createPlaceRuns({
    ...{ self: device.id, userId: parts.userId, ids, store, survey, decide, sessionOn, grant, send, clock, onTrouble },
    reopen: (to) => streams.get(to)?.abort(new Failure('not_ready', 'It answers nothing.')),
    onRun: parts.onRun,
    onGranted: parts.onGranted,
    onDecided(record) {
      decisions.note(record);
      parts.onDecided(record);
    },
  });

  /** What a run asks for, of the devices there are. */
  async function wanted(request: RunRequest): Promise<Wanted & { readonly session: SessionPlace }> {
    const { projectId, language, name } = await parts.sessionFor(request);
    const session = { projectId, language, name };
    const devices = all();
    const byHand = request.runOn === undefined ? null : deviceCalled(request.runOn, devices);
    const { on, needs } = codeOptions(request.code, language);
    const wish = wishOf({ on, needs }, devices, byHand);
    if (!wish.ok) throw new Failure(on === null ? 'bad_request' : 'not_found', wish.problem);
    const mayWantGpu = wantsGpu(request.code);
    return { session, named: wish.runOn, needsGpu: wish.needsGpu, sessionOn: sessionOn(session), mayWantGpu };
  }

  return {
    decisions,
    placed,
    sameAs,
    /** A session is there from now on: heartbeats that were sent before do not tell of it. */
    moved: (session: SessionPlace, host: DeviceId): void => remember(session, host, true),
    /** The one of the devices that is called so; fails with `not_found`, or `conflict` when there are two. */
    deviceCalled: (name: string): DeviceId => deviceCalled(name, all()),

    /** Submits a run where it shall run: here at once, elsewhere by the start protocol. */
    async submit(request: RunRequest): Promise<Run> {
      const { projectId, language } = request;
      if (request.sessionId !== undefined || projectId === undefined || language === undefined)
        return parts.submitHere(request);
      const id = request.id ?? newId<RunId>(ids);
      const known = sameAs(id, request.code);
      if (known !== null) return known;
      const own = { ...request, id };
      if ((await runs.get(id)) !== null || parts.peers().length === 0) return parts.submitHere(own);
      const want = await wanted(request);
      const decided = await decide(id, want);
      if (decided.placement.chosen === device.id) {
        decisions.note(decided.record);
        // It was chosen, so it is not asked for by a name that another device might have.
        return parts.submitHere({ ...own, runOn: device.id });
      }
      const { placement } = decided;
      if (placement.chosen !== null) remember(want.session, placement.chosen);
      return placed.submit({ ...own, projectId, language }, want, decided);
    },

    /**
     * Submits a run into a session of another device, whichever its pages use: `request` names the session and the
     * device. Fails as `submit` does.
     */
    async submitInto(session: SessionPlace, host: DeviceId, request: Placeable): Promise<Run> {
      const known = sameAs(request.id, request.code);
      if (known !== null) return known;
      const needsGpu = needsOf(request, session.language);
      const want = { session, named: host, needsGpu, sessionOn: host };
      return placed.submit(request, want, await decide(request.id, want));
    },

    /**
     * Keeps a run until the device that it is for is back, for one that may be gone by then. It brings all that lets it
     * start; this device adds nothing, and may have no right to start anything.
     */
    async keep(from: DeviceId, request: RunRequest): Promise<Run> {
      const grant = waitingGrantOf(trust, request);
      if (grant instanceof Failure) throw grant;
      const { run: id, project: projectId, language, host, submitter, expiresAt } = grant;
      if (submitter !== from) throw new Failure('forbidden', 'A device hands over its own runs, and no others.');
      if (host === device.id) return parts.acceptFrom(from, request);
      const known = sameAs(id, request.code);
      if (known !== null) return known;
      const session = { projectId, language, name: DEFAULT_SESSION };
      const placeable = { ...request, id, projectId, language };
      const want = { session, named: host, needsGpu: needsOf(placeable, language), sessionOn: null, until: expiresAt };
      return placed.submit(placeable, want, await decide(id, want));
    },

    /** What would be decided now, for this device or for one that hosts nothing and asks. Starts nothing. */
    async preview(request: RunRequest, from: DeviceId = device.id) {
      const want = await wanted(request);
      return (await decide(newId<RunId>(ids), want, from)).record;
    },

    onStream(stream: MessageStream, from: DeviceId): void {
      const before = streams.get(from);
      streams.set(from, stream);
      before?.close();
      stream.onMessage((text) => {
        try {
          const message = typeof text === 'string' ? readStartMessage(text) : null;
          if (message !== null) receive(from, message);
          else onTrouble('a message about a run', new Failure('unsupported', 'It is not understood by this version.'));
        } catch (cause) {
          stream.abort(new Failure('bad_request', 'A message could not be read.', { cause }));
        }
      });
      stream.onClose(() => {
        if (streams.get(from) !== stream) return;
        streams.delete(from);
        placed.gone(from);
      });
      // To open a stream both have to hear each other.
      survey.answered(from);
      placed.back(from);
      hosting.back(from);
    },

    onHeartbeat(from: DeviceId): void {
      if (streams.has(from)) placed.heard();
    },

    rulesChanged: hosting.rulesChanged,
    arrived: hosting.arrived,

    async close(): Promise<void> {
      hosting.close();
      await placed.close();
    },
  };

  function all(): readonly { readonly deviceId: DeviceId; readonly name: string }[] {
    return [{ deviceId: device.id, name: device.name }, ...parts.peers()];
  }

  /** The run that has this id already: the same, or `conflict`. */
  function sameAs(id: RunId, code: string): Run | null {
    const known = placed.get(id);
    if (known === null || known.run.code === code) return known?.run ?? null;
    throw new Failure('conflict', 'Another run has this id already. Submit this one under an id of its own.');
  }

  function remember(session: SessionPlace, host: DeviceId, isMoved = movedTo(session) === host): void {
    const key = keyOf(session);
    recent.delete(key);
    recent.set(key, { device: host, at: now(), isMoved });
    const [oldest] = recent.keys();
    if (recent.size > RECENT_MAX && oldest !== undefined) recent.delete(oldest);
  }
}

function needsOf(request: Placeable, language: SessionPlace['language']): PlaceRequest['needsGpu'] {
  const { needs } = codeOptions(request.code, language);
  return needs.includes('cuda') ? 'cuda' : needs.includes('gpu');
}
