/** Where a run goes and why: this device and its state as the scheduler sees them, and its answer in the log. */
import {
  Failure,
  type Device,
  type DocumentId,
  type NodeCapability,
  type Run,
  type RuntimeSession,
} from '@markco/protocol';
import { place } from '@markco/scheduler';
import type { RunRequest } from './runs.ts';

export type PlaceParts = {
  readonly device: Device;
  readonly now: () => number;
  readonly capability: () => Promise<NodeCapability>;
  readonly queuedRuns: () => number;
  readonly documentPath: (id: DocumentId) => string | undefined;
  /** What would make it run this language, as a sentence. */
  readonly hint: (language: RuntimeSession['language']) => Promise<string | undefined>;
  readonly log: { info(event: string, fields: Readonly<Record<string, string | undefined>>): void };
  /** It runs here, for this reason. */
  readonly routed: (reason: string) => void;
};

/** How old the state of this device may be that a run is placed by, in milliseconds: no device hears of others sooner. */
const FRESH_MS = 1_000;

export function createPlace(parts: PlaceParts) {
  const { device } = parts;
  let known: { readonly at: number; readonly capability: Promise<NodeCapability> } | undefined;

  function capability(): Promise<NodeCapability> {
    if (known !== undefined && parts.now() - known.at <= FRESH_MS) return known.capability;
    const asked = parts.capability();
    known = { at: parts.now(), capability: asked };
    asked.catch(() => (known = undefined));
    return asked;
  }

  /** `runtime_missing` when no device can run it; its message says why. */
  return async (request: RunRequest, session: RuntimeSession): Promise<Run['routedTo']> => {
    const atMs = parts.now();
    const facts = {
      deviceId: device.id,
      name: device.name,
      host: 'device' as const,
      capability: await capability(),
      heardAtMs: atMs,
      runningRuns: 0,
      queuedRuns: parts.queuedRuns(),
      latencyMs: 0,
      heartbeatsMissed: 0,
      runsLost: 0,
    };
    const sessionOn = session.state === 'running' ? device.id : null;
    const placed = place(
      { atMs, devices: [facts] },
      { language: session.language, from: device.id, needsGpu: false, sessionOn, runOn: device.id },
    );
    parts.log.info('run.routed', {
      run_id: request.id,
      project_id: session.projectId,
      doc_path: request.documentId === null ? undefined : parts.documentPath(request.documentId),
      route_target: 'device',
      reason: placed.why,
    });
    if (placed.chosen === null)
      throw new Failure('runtime_missing', (await parts.hint(session.language)) ?? placed.why);
    parts.routed(placed.reason);
    return { hostType: 'device', deviceId: placed.chosen, reason: placed.reason };
  };
}
