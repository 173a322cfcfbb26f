/**
 * Meshes of devices on virtual time: the code that places and queues runs, driven through sleeping laptops, partitions,
 * late and lost messages, crashes, changing owners and herds of submissions, with `checker.ts` looking on.
 *
 * One seed is one history: `simulate({ ...scenario, seed })` again gives it again, and `trace` tells what concerned a run.
 *
 * A placement is wrong when the scheduler had a choice (nobody named a device), the chosen device could in truth not take
 * the run at that moment (asleep, cut off from the requester in either direction, or refusing it by its own rules as they
 * are now), and a ranking that knew the truth would have had a candidate.
 */
import type { RunId } from '@markco/protocol';
import type { Placement } from '../place.ts';
import { ownRefusalOf } from '../refuse.ts';
import type { PlaceRequest } from '../snapshot.ts';
import { decideBy } from './baseline.ts';
import { createChance } from './chance.ts';
import { createChecker, Violation } from './checker.ts';
import { capabilityOf, createDevice, numberOf, type Device } from './fleet.ts';
import { clockOf, createHost, type Host } from './host.ts';
import { createNetwork, type Split } from './network.ts';
import { addTo, emptyHistogram, type Report } from './report.ts';
import type { Scenario } from './scenario.ts';
import {
  CLAIM_MS,
  type RunEnd,
  type StartMessage,
  type ToCoordinator,
  type ToExecutor,
} from '../start/start-protocol.ts';
import { createSubmitter, type Submitter } from './submitter.ts';
import { createTimeline } from './timeline.ts';
import { createView, HEARTBEAT_MS, type Heartbeat } from './view.ts';
import { submissionOf } from './workload.ts';

type Happening =
  | { readonly type: 'message'; readonly from: Device; readonly to: Device; readonly message: StartMessage | Heartbeat }
  | { readonly type: 'heartbeat' | 'submit' | 'herd'; readonly device: Device }
  | { readonly type: 'lapse'; readonly device: Device; readonly runId: RunId; readonly claim: number }
  | { readonly type: 'done' | 'check' | 'cancel'; readonly device: Device; readonly runId: RunId }
  | { readonly type: 'sweep' | 'heal' }
  | Trouble;

type Trouble =
  | { readonly type: 'sleep' | 'wake' | 'crash' | 'change' | 'cut' | 'mend'; readonly device: Device }
  | { readonly type: 'split' | 'join'; readonly mesh: number };

export type Trace = { readonly runId: RunId; readonly say: (line: string) => void };

const SWEEP_MS = 60_000;
const FAILS = 0.05;
/** A busy device looks at its timers late, and one that woke may read what came in before it does. */
const TIMER_LATE_MS = 500;
/** Faults go on for so long after the last submission; then all is well, and within so long every run has ended. */
const FAULTS_AFTER_MS = 10 * 60_000;
const WELL_MS = 12 * 3_600_000;
/** A history that goes on for longer than this goes in circles. */
const STEPS_MAX = 1_000_000;
const STEPS_PER_RUN_MAX = 500;
/** A sleeping device says so beforehand, this often. */
const GOODBYE = 0.6;

/** Throws a `Violation`, which `replay.ts` explains. */
export function simulate(scenario: Scenario, trace: Trace | null = null): Report {
  const chance = createChance(scenario.seed);
  const timeline = createTimeline<Happening>();
  const network = createNetwork(scenario, chance);
  const checker = createChecker(scenario.runs);
  const decide = decideBy(scenario.policy, chance);
  const queueTimes = emptyHistogram();
  const submittedAt = new Float64Array(scenario.runs);
  const keeps = new Uint8Array(scenario.runs);
  const ends: Record<RunEnd, number> = { completed: 0, failed: 0, cancelled: 0, lost: 0 };
  const count = { steps: 0, submitted: 0, ended: 0, decisions: 0, free: 0, wrong: 0, left: 0 };
  /** What a sleeping device does once it wakes. */
  const onWake = new Map<Device, Happening[]>();
  let healedAtMs: number | null = null;
  const stepsMax = STEPS_MAX + STEPS_PER_RUN_MAX * scenario.runs;

  const meshes = Array.from({ length: scenario.meshes }, (_, mesh) =>
    Array.from({ length: scenario.devicesPerMesh }, (_each, place) =>
      createDevice(mesh * scenario.devicesPerMesh + place, mesh, { place, of: scenario.devicesPerMesh }, chance),
    ),
  );
  const devices = meshes.flat();
  const hosts: Host[] = devices.map(hostOf);
  /** By the number of the device; most devices submit nothing. */
  const submitters: (Submitter | undefined)[] = devices.map(() => undefined);
  const submittersOf = meshes.map((mesh) => mesh.slice(0, scenario.submittersPerMesh));
  for (const [at, mesh] of meshes.entries())
    for (const device of submittersOf[at] ?? []) submitters[device.number] = submitterOf(device, mesh);

  for (const device of devices) plan(device);
  for (const device of submittersOf.flat()) {
    after(nextSubmitMs(), { type: 'submit', device });
    after(chance.around(scenario.herdEveryMs * scenario.submittersPerMesh), { type: 'herd', device });
  }
  for (let mesh = 0; mesh < meshes.length; mesh++) after(chance.around(scenario.splitEveryMs), { type: 'split', mesh });
  after(SWEEP_MS, { type: 'sweep' });

  while (count.ended < scenario.runs) {
    const happening = timeline.next();
    if (happening === undefined) throw new Error('the simulation stands still');
    if (++count.steps > stepsMax) throw new Violation('SIM-6', `${count.steps} steps and no end`, null);
    if (trace !== null) tell(happening);
    happen(happening);
  }
  return {
    steps: count.steps,
    virtualMs: timeline.now(),
    decisions: count.decisions,
    freeDecisions: count.free,
    wrongPlacements: count.wrong,
    leftSessions: count.left,
    ends,
    queueTimes,
  };

  function after(delayMs: number, happening: Happening): void {
    timeline.after(delayMs, happening);
  }

  function plan(device: Device): void {
    after(chance.next() * HEARTBEAT_MS, { type: 'heartbeat', device });
    after(chance.around(scenario.cutEveryMs), { type: 'cut', device });
    after(chance.around(scenario.crashEveryMs), { type: 'crash', device });
    after(chance.around(scenario.changeEveryMs), { type: 'change', device });
    const { sleep } = device.kind;
    if (sleep === null) return;
    const isAsleep = chance.happens(sleep.asleepMs / (sleep.asleepMs + sleep.awakeMs));
    const awakeMs = isAsleep ? 0 : chance.around(sleep.awakeMs / scenario.restlessness);
    after(awakeMs, { type: 'sleep', device });
  }

  function nextSubmitMs(): number {
    return chance.around((1_000 * scenario.submittersPerMesh) / scenario.runsPerSecondPerMesh);
  }

  function post(from: Device, to: Device, message: StartMessage | Heartbeat): void {
    if (!network.reaches(from, to)) return;
    for (const delayMs of network.delays(from, to)) after(delayMs, { type: 'message', from, to, message });
  }

  function deviceOf(id: string): Device {
    return devices[numberOf(id)] ?? raise(`there is no device ${id}`);
  }

  function hostAt(device: Device): Host {
    return hosts[device.number] ?? raise(`${device.name} hosts nothing`);
  }

  function hostOf(device: Device): Host {
    return createHost(
      device,
      {
        now: timeline.now,
        send: (to, message) => post(device, deviceOf(to), message),
        later: (runId, claim) =>
          after(CLAIM_MS + chance.around(TIMER_LATE_MS), { type: 'lapse', device, runId, claim }),
        durationMs: () => chance.around(scenario.meanRunMs),
        doneIn: (runId, delayMs) => after(delayMs, { type: 'done', device, runId }),
        onBegin(offer, executing) {
          const run = numberOf(offer.runId);
          checker.begins(device, offer, executing, keeps[run] === 1);
          addTo(queueTimes, timeline.now() - (submittedAt[run] ?? 0));
        },
      },
      scenario.sabotage,
    );
  }

  function submitterOf(device: Device, mesh: readonly Device[]): Submitter {
    const now = () => clockOf(device, timeline.now());
    return createSubmitter({
      self: device.id,
      now,
      send: (to, message) => post(device, deviceOf(to), message),
      view: createView(device, mesh, now()),
      decide,
      sabotage: scenario.sabotage,
      later: (runId, delayMs) => after(delayMs, { type: 'check', device, runId }),
      onDecided: (request, placement) => judge(device, mesh, request, placement),
      onEnded(runId, end) {
        checker.ends(runId, end);
        ends[end] += 1;
        count.ended += 1;
      },
    });
  }

  function judge(from: Device, mesh: readonly Device[], request: PlaceRequest, placement: Placement): void {
    count.decisions += 1;
    if (placement.chosen === null) return;
    if (placement.newSession) count.left += 1;
    if (request.runOn !== null) return;
    count.free += 1;
    const could = (device: Device) =>
      network.reaches(from, device) &&
      network.reaches(device, from) &&
      ownRefusalOf({ deviceId: device.id, capability: device.capability }, request) === null;
    if (!could(deviceOf(placement.chosen)) && mesh.some(could)) count.wrong += 1;
  }

  function happen(happening: Happening): void {
    if (happening.type !== 'message' && 'device' in happening && !happening.device.isAwake && defer(happening)) return;
    switch (happening.type) {
      case 'message':
        return deliver(happening.from, happening.to, happening.message);
      case 'heartbeat':
        beat(happening.device, true);
        return after(HEARTBEAT_MS, happening);
      case 'submit':
        submit(happening.device);
        if (count.submitted < scenario.runs) after(nextSubmitMs(), happening);
        return;
      case 'herd':
        for (let run = 0; run < scenario.herdRuns; run++) submit(happening.device);
        return after(chance.around(scenario.herdEveryMs * scenario.submittersPerMesh), happening);
      case 'lapse':
        hostAt(happening.device).executor.lapse(happening.runId, happening.claim);
        return look(happening.device);
      case 'done':
        hostAt(happening.device).done(happening.runId, chance.happens(FAILS));
        return look(happening.device);
      case 'check':
        return submitters[happening.device.number]?.check(happening.runId);
      case 'cancel':
        return submitters[happening.device.number]?.cancel(happening.runId);
      case 'sweep':
        sweep();
        return after(SWEEP_MS, happening);
      case 'heal':
        return heal();
      default:
        if (healedAtMs === null) trouble(happening);
    }
  }

  /** A sleeping device does nothing; what it was about to do it does once awake. Whether it had to wait. */
  function defer(happening: Extract<Happening, { device: Device }>): boolean {
    const { type, device } = happening;
    if (type === 'wake' || type === 'mend') return false;
    if (type === 'crash' || type === 'change' || type === 'cut') after(SWEEP_MS, happening);
    else (onWake.get(device) ?? put(device)).push(happening);
    return true;
  }

  function put(device: Device): Happening[] {
    const made: Happening[] = [];
    onWake.set(device, made);
    return made;
  }

  function deliver(from: Device, to: Device, message: StartMessage | Heartbeat): void {
    if (!network.reaches(from, to)) return;
    switch (message.type) {
      case 'heartbeat':
        return submitters[to.number]?.hears(from.id, message);
      case 'offer':
      case 'grant':
      case 'withdraw':
      case 'cancel':
      case 'ask':
        hostAt(to).executor.receive(from.id, message satisfies ToExecutor);
        return look(to);
      default:
        return submitters[to.number]?.receive(from.id, message satisfies ToCoordinator);
    }
  }

  function look(device: Device): void {
    checker.queue(device, hostAt(device).executor.queue());
  }

  function beat(device: Device, online: boolean): void {
    const state = hostAt(device).executor.state();
    const capability = online ? state.capability : { ...state.capability, online };
    const heartbeat = { type: 'heartbeat', ...state, capability } as const;
    for (const to of submittersOf[device.mesh] ?? []) post(device, to, heartbeat);
  }

  function submit(device: Device): void {
    if (count.submitted >= scenario.runs) return;
    const run = count.submitted++;
    const submission = submissionOf(run, device, meshes[device.mesh] ?? [], scenario, chance);
    submittedAt[run] = timeline.now();
    keeps[run] = submission.keepsSession ? 1 : 0;
    if (chance.happens(scenario.cancelled))
      after(chance.around(scenario.meanRunMs), { type: 'cancel', device, runId: submission.runId });
    if (count.submitted === scenario.runs) after(FAULTS_AFTER_MS, { type: 'heal' });
    submitters[device.number]?.submit(submission);
  }

  function trouble(happening: Trouble): void {
    switch (happening.type) {
      case 'sleep': {
        const { device } = happening;
        if (chance.happens(GOODBYE)) beat(device, false);
        device.isAwake = false;
        device.asleepSinceMs = timeline.now();
        return after(chance.around((device.kind.sleep?.asleepMs ?? 0) / scenario.restlessness), {
          type: 'wake',
          device,
        });
      }
      case 'wake':
        return wake(happening.device);
      case 'crash':
        checker.forgetsQueue(happening.device);
        hostAt(happening.device).crash();
        look(happening.device);
        return after(chance.around(scenario.crashEveryMs), happening);
      case 'change':
        happening.device.capability = capabilityOf(happening.device.id, happening.device.kind, chance);
        hostAt(happening.device).executor.rulesChanged();
        look(happening.device);
        return after(chance.around(scenario.changeEveryMs), happening);
      case 'cut':
        happening.device.cutIn = chance.happens(0.6);
        happening.device.cutOut = !happening.device.cutIn || chance.happens(0.4);
        return after(chance.around(scenario.mendAfterMs), { type: 'mend', device: happening.device });
      case 'mend':
        happening.device.cutIn = happening.device.cutOut = false;
        return after(chance.around(scenario.cutEveryMs), { type: 'cut', device: happening.device });
      case 'split':
        network.split(happening.mesh, chance.pick<Split>(['both', 0, 1]));
        return after(chance.around(scenario.mendAfterMs), { type: 'join', mesh: happening.mesh });
      case 'join':
        network.split(happening.mesh, 'none');
        return after(chance.around(scenario.splitEveryMs), { type: 'split', mesh: happening.mesh });
    }
  }

  function wake(device: Device): void {
    device.isAwake = true;
    device.sleptMs += timeline.now() - device.asleepSinceMs;
    for (const happening of onWake.get(device) ?? []) after(chance.around(TIMER_LATE_MS), happening);
    onWake.delete(device);
    if (device.kind.sleep !== null)
      after(chance.around(device.kind.sleep.awakeMs / scenario.restlessness), { type: 'sleep', device });
  }

  /** From here on nothing goes wrong, so that every run can be asked to end. */
  function heal(): void {
    healedAtMs = timeline.now();
    network.heal();
    for (const device of devices) {
      device.cutIn = device.cutOut = false;
      if (!device.isAwake) wake(device);
    }
  }

  function sweep(): void {
    const isLate = healedAtMs !== null && timeline.now() - healedAtMs > WELL_MS;
    for (const device of submittersOf.flat()) {
      const submitter = submitters[device.number];
      if (!device.isAwake || submitter === undefined) continue;
      for (const runId of submitter.runs().keys()) {
        const shown = submitter.shown(runId);
        if (isLate) checker.neverEnded(runId, shown);
        checker.sweep(runId, shown);
      }
    }
  }

  function tell(happening: Happening): void {
    const about = 'message' in happening && 'runId' in happening.message ? happening.message : happening;
    const isAboutRun = 'runId' in about && about.runId === trace?.runId;
    if (!isAboutRun && !['split', 'join', 'heal', 'sleep', 'wake', 'crash', 'cut', 'mend'].includes(happening.type))
      return;
    const who =
      'from' in happening
        ? `${happening.from.name} → ${happening.to.name}${network.reaches(happening.from, happening.to) ? '' : ' (lost)'}`
        : 'device' in happening
          ? happening.device.name
          : '';
    const { request: _request, ...message } = { request: null, ...('message' in happening ? happening.message : {}) };
    const words = 'message' in happening ? JSON.stringify(message) : happening.type;
    trace?.say(`${(timeline.now() / 1_000).toFixed(3)} s  ${who}  ${words}`);
  }
}

function raise(message: string): never {
  throw new Error(message);
}
