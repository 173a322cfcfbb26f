/**
 * Ranks the devices for one run and chooses (domain model §6).
 *
 * 1. The same snapshot and request give the same answer on every device, in whatever order the devices are listed.
 * 2. A refused device is listed with its reason, after the others, and is chosen only when a person named it
 *    and the rule lets them.
 * 3. Equal scores: the device that holds the session, then the smaller device id.
 */
import type { DeviceId, RouteReason } from '@markco/protocol';
import { componentsOf, scoreOf, type Components } from './rank.ts';
import { refusalOf, type Refusal } from './refuse.ts';
import type { DeviceFacts, PlaceRequest, Snapshot } from './snapshot.ts';

export type RankedDevice = {
  readonly deviceId: DeviceId;
  readonly name: string;
  readonly score: number;
  readonly components: Components;
  readonly refused: Refusal | null;
};

export type Placement = {
  /** Every device of the snapshot, best first. */
  readonly ranked: readonly RankedDevice[];
  /** One sentence for people. */
  readonly why: string;
} & ({ readonly chosen: DeviceId; readonly reason: RouteReason } | { readonly chosen: null });

export function place(snapshot: Snapshot, request: PlaceRequest): Placement {
  const ranked = snapshot.devices.map((device) => rank(device, request)).sort(byRank(request));
  if (request.runOn !== null) return placeByHand(ranked, request.runOn);
  const best = ranked[0];
  if (best === undefined) return { chosen: null, ranked, why: 'No device is known here.' };
  if (best.refused !== null)
    return { chosen: null, ranked, why: ranked.map((device) => device.refused?.message).join(' ') };
  const reason: RouteReason =
    best.components.session > 0 ? 'session-affinity' : request.needsGpu ? 'gpu-required' : 'availability';
  return { chosen: best.deviceId, reason, ranked, why: whyChosen(best, reason) };
}

function rank(device: DeviceFacts, request: PlaceRequest): RankedDevice {
  const components = componentsOf(device, request);
  const { deviceId, name } = device;
  return { deviceId, name, score: scoreOf(components), components, refused: refusalOf(device, request) };
}

function byRank(request: PlaceRequest) {
  const affinity = (device: RankedDevice) => (device.deviceId === request.sessionOn ? 0 : 1);
  return (a: RankedDevice, b: RankedDevice): number =>
    Number(a.refused !== null) - Number(b.refused !== null) ||
    b.score - a.score ||
    affinity(a) - affinity(b) ||
    (a.deviceId < b.deviceId ? -1 : a.deviceId > b.deviceId ? 1 : 0);
}

function placeByHand(ranked: readonly RankedDevice[], runOn: DeviceId): Placement {
  const device = ranked.find((each) => each.deviceId === runOn);
  if (device === undefined) return { chosen: null, ranked, why: 'The device you chose is not one of yours.' };
  if (device.refused !== null && !device.refused.canBeOverridden)
    return { chosen: null, ranked, why: device.refused.message };
  const reason: RouteReason = device.components.session > 0 ? 'session-affinity' : 'availability';
  return { chosen: runOn, reason, ranked, why: `You chose ${device.name}.` };
}

const SENTENCES: { readonly [R in RouteReason]: (name: string) => string } = {
  'session-affinity': (name) => `The session is already running on ${name}.`,
  'gpu-required': (name) => `${name} has the GPU this run needs.`,
  availability: (name) => `${name} suits best of the devices that are on now.`,
  fallback: (name) => `No device of yours is on, so ${name} runs it.`,
};

const whyChosen = (device: RankedDevice, reason: RouteReason) => SENTENCES[reason](device.name);
