/**
 * The devices of a simulation as they really are: laptops that sleep, phones that say no, servers that stay, and a cloud.
 * What others believe of them is in `view.ts`.
 */
import type { DeviceId, NodeCapability } from '@markco/protocol';
import type { DeviceFacts } from '../snapshot.ts';
import type { Chance } from './chance.ts';

type Kind = {
  readonly name: string;
  readonly share: number;
  readonly host: DeviceFacts['host'];
  readonly slots: number;
  readonly latencyMs: number;
  /** How long it is awake and asleep in a row, on average; null for what never sleeps. */
  readonly sleep: { readonly awakeMs: number; readonly asleepMs: number } | null;
  readonly languages: readonly ['python' | 'r' | 'js' | 'bash', ...('python' | 'r' | 'js' | 'bash')[]];
  readonly gpu: NodeCapability['gpu'] | null;
  readonly hasBattery: boolean;
};

const MINUTE = 60_000;

/** A made-up household of researchers; shares add up to 1. */
const KINDS: readonly [Kind, ...Kind[]] = [
  kind('laptop', 0.4, 2, 12, { awakeMs: 40 * MINUTE, asleepMs: 20 * MINUTE }, ['python', 'bash', 'js'], true),
  kind('desktop', 0.15, 4, 8, { awakeMs: 180 * MINUTE, asleepMs: 60 * MINUTE }, ['python', 'bash', 'js', 'r'], false),
  kind('phone', 0.15, 1, 45, { awakeMs: 10 * MINUTE, asleepMs: 20 * MINUTE }, ['js', 'python'], true),
  kind('server', 0.15, 8, 10, null, ['python', 'bash', 'js', 'r'], false),
  { ...kind('gpu-box', 0.1, 2, 15, null, ['python', 'bash'], false), gpu: { cuda: true, vramMb: 24_000 } },
  { ...kind('cloud', 0.05, 4, 40, null, ['python', 'bash', 'js', 'r'], false), host: 'cloud' },
];

function kind(
  name: string,
  share: number,
  slots: number,
  latencyMs: number,
  sleep: Kind['sleep'],
  languages: Kind['languages'],
  hasBattery: boolean,
): Kind {
  return { name, share, host: 'device', slots, latencyMs, sleep, languages, gpu: null, hasBattery };
}

export type Device = {
  readonly id: DeviceId;
  readonly number: number;
  readonly mesh: number;
  readonly name: string;
  readonly kind: Kind;
  readonly latencyMs: number;
  /** Its own clock: how far it is off, and how fast it goes. */
  readonly clockOffsetMs: number;
  readonly clockRate: number;
  capability: NodeCapability;
  isAwake: boolean;
  /** Cut off from everybody: what it sends, what is sent to it. */
  cutOut: boolean;
  cutIn: boolean;
  /** On which side it is when its network falls apart. */
  readonly side: 0 | 1;
  /** Slept so far; the sleep that is on began at `asleepSinceMs`. */
  sleptMs: number;
  asleepSinceMs: number;
};

const CLOCK_OFF_MS = 10 * MINUTE;
/** 0.1 %: ten times what a quartz is off by, and less than `CLOCK_MARGIN_MS` in `CLAIM_MS`. */
const CLOCK_RATE_OFF = 0.001;

export const idOf = (number: number) => `00000000-0000-7000-8000-${String(number).padStart(12, '0')}`;
export const numberOf = (id: string): number => Number(id.slice(24));

export function createDevice(number: number, mesh: number, at: { place: number; of: number }, chance: Chance): Device {
  const kindHere = kindAt((at.place + 0.5) / at.of);
  const id = idOf(number) as DeviceId;
  return {
    id,
    number,
    mesh,
    name: `${kindHere.name}-${number}`,
    kind: kindHere,
    latencyMs: kindHere.latencyMs * (0.5 + chance.next()),
    clockOffsetMs: (chance.next() * 2 - 1) * CLOCK_OFF_MS,
    clockRate: 1 + (chance.next() * 2 - 1) * CLOCK_RATE_OFF,
    capability: capabilityOf(id, kindHere, chance),
    isAwake: true,
    cutOut: false,
    cutIn: false,
    side: chance.happens(0.5) ? 0 : 1,
    sleptMs: 0,
    asleepSinceMs: 0,
  };
}

function kindAt(part: number): Kind {
  let sum = 0;
  return KINDS.find(({ share }) => (sum += share) > part) ?? KINDS[0];
}

/** What it can and what its owner lets it do now; drawn anew now and then, because owners change their minds. */
export function capabilityOf(deviceId: DeviceId, kindHere: Kind, chance: Chance): NodeCapability {
  const { languages, gpu, hasBattery, slots, sleep } = kindHere;
  const isPersonal = sleep !== null;
  return {
    deviceId,
    online: true,
    heartbeatAt: '2026-01-01T00:00:00.000Z',
    runtimes: languages.map((language) => ({ language, available: chance.happens(0.97) })),
    ...(gpu === null ? {} : { gpu }),
    resources: {
      network: isPersonal && chance.happens(0.1) ? 'metered' : 'wifi',
      ...(hasBattery ? { batteryPct: 60, charging: chance.happens(0.6) } : {}),
    },
    policy: {
      allowRemoteExecution: !isPersonal || chance.happens(0.85),
      allowHeavyJobs: !hasBattery || chance.happens(0.7),
      allowWhenOnBattery: chance.happens(0.5),
      maxConcurrentRuns: chance.happens(0.03) ? 0 : Math.max(1, slots - chance.below(2)),
    },
  };
}
