/** What is known of the mesh at the moment a run asks for a place, and what the run asks for. */
import type { DeviceId, Language, NodeCapability } from '@markco/protocol';

export type DeviceFacts = {
  readonly deviceId: DeviceId;
  readonly name: string;
  readonly capability: NodeCapability;
  /** Runs it executes now, and runs that wait there. */
  readonly runningRuns: number;
  readonly queuedRuns: number;
  /** Round trip to the requester in milliseconds: 0 for the requester itself, null while nobody has measured it. */
  readonly latencyMs: number | null;
  /** Of its last 20 heartbeats and of its last 20 runs: how many never came, how many the device lost. */
  readonly heartbeatsMissed: number;
  readonly runsLost: number;
};

export type Snapshot = { readonly devices: readonly DeviceFacts[] };

export type PlaceRequest = {
  readonly language: Language;
  /** The device the person sits at. */
  readonly from: DeviceId;
  readonly needsGpu: boolean;
  /** Where the session of this run lives already, if anywhere. */
  readonly sessionOn: DeviceId | null;
  /** The person's own choice, which wins over every score. */
  readonly runOn: DeviceId | null;
};
