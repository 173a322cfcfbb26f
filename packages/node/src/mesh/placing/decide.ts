/** Which device a run is for: what it asks, what is known of the devices, and the scheduler's answer. */
import { Failure, type DeviceId, type ProjectId, type RunId } from '@markco/protocol';
import {
  place,
  recordOf,
  withGpuHint,
  type DecisionRecord,
  type DeviceFacts,
  type Placement,
  type PlaceRequest,
} from '@markco/scheduler';
import type { SessionPlace, Survey } from './survey.ts';

export type Wanted = {
  readonly session: SessionPlace;
  /** By a person for this run, or by the cell. */
  readonly named: DeviceId | null;
  readonly needsGpu: PlaceRequest['needsGpu'];
  readonly sessionOn: DeviceId | null;
  /** What in its code speaks for a GPU. */
  readonly mayWantGpu?: string | null;
  /** Unix milliseconds: until when the leave that it brought along is good. Absent where this device gives it. */
  readonly until?: number;
};

export type Decided = { readonly placement: Placement; readonly record: DecisionRecord };

export type DecideParts = {
  readonly self: DeviceId;
  readonly survey: Survey;
  readonly now: () => number;
  /** Devices that have a project open, this one left out. */
  readonly holders: (id: ProjectId) => readonly DeviceId[];
  /** Whether this one has it open. */
  readonly isOpen: (id: ProjectId) => boolean;
  /** Whether a run may be placed elsewhere when nobody named a device. */
  readonly placesElsewhere: boolean;
  /** Whether a device that stands in may take it then; else it waits for one of the others. */
  readonly fallsBack: boolean;
  /** Where a person moved a session to: runs of it go there, as if each named the device. */
  readonly movedTo?: (session: SessionPlace) => DeviceId | null;
};

export function createDecide({ self, survey, now, holders, isOpen, placesElsewhere, fallsBack, movedTo }: DecideParts) {
  /** @param from the device where a person asks for it, which may be one that hosts nothing */
  return async (
    runId: RunId,
    { session, named, needsGpu, sessionOn, mayWantGpu = null }: Wanted,
    from = self,
  ): Promise<Decided> => {
    const request: PlaceRequest = { language: session.language, from, needsGpu, sessionOn, runOn: named };
    const known = await survey.snapshot(named, session.language);
    const moved = movedTo?.(session) ?? null;
    const mayTake = ({ host, deviceId }: DeviceFacts): boolean =>
      fallsBack || host !== 'fallback' || deviceId === named;
    /** Where a session was moved to, it stands in for nobody. */
    const asMoved = (facts: DeviceFacts): DeviceFacts =>
      facts.deviceId === moved ? { ...facts, host: 'device' } : facts;
    const all = { ...known, devices: known.devices.map(asMoved).filter(mayTake) };
    const isHere = from === self || isOpen(session.projectId);
    const near = new Set([...(isHere ? [self] : []), ...holders(session.projectId)]);
    const isNear = ({ deviceId }: { deviceId: DeviceId }): boolean =>
      placesElsewhere ? near.has(deviceId) || deviceId === sessionOn : deviceId === self || deviceId === moved;
    // A device that does not have the project lacks the files that lie beside its pages.
    const choices =
      named === null && (needsGpu === false || !placesElsewhere) ? all.devices.filter(isNear) : all.devices;
    // One that stands in comes after each of the others, also after those without the project.
    const choosing = placesElsewhere ? [choices, all.devices] : [choices];
    const tries = [...choosing.map((devices) => devices.filter(({ host }) => host !== 'fallback')), ...choosing];
    let placement = place({ ...all, devices: tries[0] ?? [] }, request);
    for (const devices of tries.slice(1)) {
      if (placement.chosen !== null) break;
      placement = place({ ...all, devices }, request);
    }
    placement = withGpuHint(placement, all.devices, mayWantGpu);
    return { placement, record: recordOf({ runId, at: new Date(now()).toISOString() }, request, placement) };
  };
}

/** What a placement says when no device will ever take the run. */
export function nowhere({ ranked, why }: Placement): Failure {
  const isOwn = [...ranked].some(({ refused }) => refused !== null && refused !== 'runtime-missing');
  return new Failure(isOwn ? 'forbidden' : 'runtime_missing', why);
}
