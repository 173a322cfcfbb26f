/** What is known of the mesh at the moment a run asks for a place, and what the run asks for. */
import type { DeviceId, Language, NodeCapability } from '@markco/protocol';

export type DeviceFacts = {
  readonly deviceId: DeviceId;
  readonly name: string;
  /**
   * The four kinds of candidate (domain model §6) but for the session's own host, which `PlaceRequest.sessionOn` names:
   * a device of the person's, a cloud runtime that is up, and one that would have to be started first. A `fallback` is
   * a device that stands in for the others, as the one beside a cloud: it is chosen when none of them could run it now.
   * A mesh whose owner wants no fallback lists none, and its runs wait instead.
   */
  readonly host: 'device' | 'cloud' | 'cold-cloud' | 'fallback';
  readonly capability: NodeCapability;
  /**
   * When its latest heartbeat came in, on the clock of `Snapshot.atMs`: `capability.heartbeatAt` is from the device's
   * own clock, which may be wrong by hours.
   */
  readonly heardAtMs: number;
  /** Runs it executes now, and runs that wait there. Who submits many counts those in that no heartbeat can tell yet. */
  readonly runningRuns: number;
  readonly queuedRuns: number;
  /** Round trip to the requester in milliseconds: 0 for the requester itself, null while nobody has measured it. */
  readonly latencyMs: number | null;
  /** Of its last 20 heartbeats and of its last 20 runs: how many never came, how many the device lost. */
  readonly heartbeatsMissed: number;
  readonly runsLost: number;
};

export type Snapshot = {
  /** The moment of the decision, on the clock that `heardAtMs` was read from. */
  readonly atMs: number;
  readonly devices: readonly DeviceFacts[];
};

export type PlaceRequest = {
  readonly language: Language;
  /** The device the person sits at. */
  readonly from: DeviceId;
  /** `cuda`: not any GPU will do. */
  readonly needsGpu: boolean | 'cuda';
  /** Where the session of this run lives already, if anywhere. */
  readonly sessionOn: DeviceId | null;
  /** The person's own choice, which wins over every score. */
  readonly runOn: DeviceId | null;
};
