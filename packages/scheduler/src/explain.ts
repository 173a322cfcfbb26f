/**
 * A decision to be kept and to be read.
 *
 * 1. The record is plain JSON and complete by itself: what was asked, what was chosen, and each device with its score
 *    line by line or the rule that refused it. Nothing has to be looked up to read it a year later.
 * 2. It is bounded: of a large mesh the best devices are listed, the one that holds the session and the one that was
 *    chosen among them, and the rest is counted.
 */
import type { Decision, DeviceId, RouteReason, RunId } from '@markco/protocol';
import type { Placement } from './place.ts';
import type { RankedDevice } from './ranking.ts';
import { WEIGHTS, type Component, type Components } from './rank.ts';
import type { RefusalRule } from './refuse.ts';
import { REFUSED } from './sentence.ts';
import type { PlaceRequest } from './snapshot.ts';

export type DecisionRecord = {
  readonly runId: RunId;
  /** When it was decided, ISO 8601 in UTC. */
  readonly at: string;
  readonly request: PlaceRequest;
  readonly chosen: DeviceId | null;
  /** Null when nothing was chosen. */
  readonly reason: RouteReason | null;
  readonly newSession: boolean;
  readonly waitsFor: DeviceId | null;
  readonly why: string;
  /** Best first, at most `DEVICES_MAX`. */
  readonly devices: readonly RankedRecord[];
  /** How many more were ranked. */
  readonly devicesLeftOut: number;
};

export type RankedRecord = {
  readonly deviceId: DeviceId;
  readonly name: string;
  readonly score: number;
  readonly components: Components;
  readonly refused: RefusalRule | null;
  /** When it was last heard of, by its own clock, ISO 8601 in UTC. */
  readonly heartbeatAt: string;
};

const DEVICES_MAX = 20;

export function recordOf(
  { runId, at }: Pick<DecisionRecord, 'runId' | 'at'>,
  request: PlaceRequest,
  placement: Placement,
): DecisionRecord {
  const { ranked, why, chosen } = placement;
  const wanted = [chosen, request.runOn, request.sessionOn].map((id) => (id === null ? -1 : ranked.placeOf(id)));
  const named = [...new Set(wanted)].filter((place) => place >= DEVICES_MAX).sort((a, b) => a - b);
  const best = Array.from({ length: Math.min(ranked.length, DEVICES_MAX - named.length) }, (_, place) => place);
  const devices = [...best, ...named].flatMap((place) => ranked.at(place) ?? []);
  return {
    runId,
    at,
    request,
    chosen,
    reason: placement.chosen === null ? null : placement.reason,
    newSession: placement.chosen !== null && placement.newSession,
    waitsFor: placement.chosen === null ? placement.waitsFor : null,
    why,
    devices: devices.map(toRecord),
    devicesLeftOut: ranked.length - devices.length,
  };
}

function toRecord({ deviceId, name, score, components, refused, facts }: RankedDevice): RankedRecord {
  return { deviceId, name, score, components, refused, heartbeatAt: facts.capability.heartbeatAt };
}

const WORDS: { readonly [C in Component]: string } = {
  session: 'session',
  gpu: 'GPU',
  queue: 'nothing waits',
  latency: 'near',
  policy: 'to be spared',
  unstable: 'unstable',
};

/**
 * The record as lines: `laptop: 80 · session +50, nothing waits +20, near +10`, `gpu-box refused: it is offline since 18:04`.
 *
 * @param time writes a time of the record for whoever reads it: only they know their time zone
 */
export function explain(record: DecisionRecord, time: (iso: string) => string): readonly string[] {
  const lines = record.devices.map((device) => {
    if (device.refused === null) return `${device.name}: ${signed(device.score, '')} · ${reasonsOf(device.components)}`;
    const since =
      device.refused === 'offline' || device.refused === 'silent' ? ` since ${time(device.heartbeatAt)}` : '';
    return `${device.name} refused: it ${REFUSED[device.refused](record.request)}${since}`;
  });
  const more = record.devicesLeftOut === 0 ? [] : [`and ${record.devicesLeftOut} more`];
  return [record.why, ...lines, ...more];
}

/** As it is told over HTTP. */
export function decisionOf(record: DecisionRecord): Decision {
  const { at, why, chosen, reason, newSession, waitsFor, devices, devicesLeftOut } = record;
  const [, ...lines] = explain(record, (iso) => iso);
  return {
    ...{ at, why, newSession, devicesLeftOut },
    ...(chosen === null ? {} : { chosen }),
    ...(reason === null ? {} : { reason }),
    ...(waitsFor === null ? {} : { waitsFor }),
    devices: devices.map(({ deviceId, name, score, refused }, at) => ({
      ...{ deviceId, name, score, line: lines[at] ?? name },
      ...(refused === null ? {} : { refused }),
    })),
  };
}

function reasonsOf(components: Components): string {
  const reasons = (Object.keys(WEIGHTS) as Component[])
    .filter((name) => components[name] !== 0)
    .map((name) => `${WORDS[name]} ${signed(components[name], '+')}`);
  return reasons.length === 0 ? 'nothing for it or against it' : reasons.join(', ');
}

function signed(points: number, plus: string): string {
  return points < 0 ? `−${-points}` : `${plus}${points}`;
}
