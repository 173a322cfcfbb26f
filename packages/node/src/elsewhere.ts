/** Runs and sessions wherever they are, put together: placed by this device, asked for elsewhere, copied here. */
import {
  Failure,
  newId,
  type Device,
  type DeviceId,
  type IdSource,
  type Run,
  type RunId,
  type RunRequest,
  type SessionId,
} from '@markco/protocol';
import type { ExecutionParts } from './mrp/execution.ts';
import type { OpenMesh } from './mesh/open-mesh.ts';
import { withPlaced } from './mesh/placing/placed-view.ts';
import { createRunsAnywhere, type RunsAnywhereParts } from './mesh/runs/runs-anywhere.ts';
import { executeThere, type ExecuteThereParts } from './mesh/sessions/execute-there.ts';
import type { Move, Moved } from './mesh/moving/move.ts';
import { createSessionsAnywhere } from './mesh/sessions/sessions-anywhere.ts';
import { submitThere, type SubmitInto } from './mesh/sessions/submit-there.ts';

export type ElsewhereParts = Pick<RunsAnywhereParts, 'runs' | 'home' | 'store' | 'log'> & {
  readonly device: Device;
  readonly ids: IdSource;
  /** Null while this device is alone. */
  readonly others: () => OpenMesh | null;
  /** The same, once that is known. */
  readonly known: () => Promise<OpenMesh | null>;
  readonly submitHere: (request: RunRequest) => Promise<Run>;
  readonly projects: ExecuteThereParts['projects'];
};

export function createElsewhere({ device, ids, others, known, submitHere, ...parts }: ElsewhereParts) {
  const mesh = () => others()?.mesh ?? null;
  const sessions = createSessionsAnywhere({ sessions: parts.runs.sessions, mesh });
  const copied = createRunsAnywhere({
    ...{ ...parts, sessions, mesh },
    onEvent: (id, host) => others()?.placing.placed.heardOf(id, host),
    known: async () => (await known())?.mesh ?? null,
  });

  const runs = withPlaced(copied, () => others()?.placing.placed ?? null);
  const isHere = (id: SessionId): boolean => parts.runs.sessions.get(id) !== null;

  /** `not_ready` while the other devices are not connected. */
  const submitInto: SubmitInto = async (session, host, request) => {
    const open = await known();
    if (open === null) throw new Failure('not_ready', 'The other devices are not connected yet.');
    return open.placing.submitInto(session, host, request);
  };

  async function submit(request: RunRequest): Promise<Run> {
    const { id, sessionId, code } = request;
    const placing = others()?.placing;
    if (placing === undefined) return submitHere(request);
    if (sessionId === undefined || isHere(sessionId)) return placing.submit(request);
    // The same once more is answered wherever its device is now.
    const before = id === undefined ? null : placing.sameAs(id, code);
    if (before !== null) return before;
    const session = await sessions.find(sessionId);
    if (session === null) return submitHere(request);
    if (request.runOn !== undefined && placing.deviceCalled(request.runOn) !== session.hostDeviceId)
      throw new Failure('bad_request', 'This session is on another device than `runOn` names. Leave one of them out.');
    return submitThere(submitInto, session, { ...request, id: id ?? newId<RunId>(ids) });
  }

  async function migrate(move: Omit<Move, 'from'>, signal: AbortSignal): Promise<Moved> {
    const open = await known();
    if (open === null)
      throw new Failure(
        'unsupported',
        'There is no other device to move this session to. Add one first: `markco pair`',
      );
    const from = await sessions.placeOf(move.id);
    if (from === null && !isHere(move.id)) throw new Failure('not_found', 'No device has this session any more.');
    const moved = await open.moving.move({ ...move, from }, signal);
    if (moved.to !== device.id) sessions.remember(moved.session.id, moved.to);
    return moved;
  }

  function changed({ id }: Pick<Run, 'id'>): void {
    const known = others()?.placing.placed.get(id) ?? null;
    if (known !== null && known.host !== null && known.host !== device.id) copied.copy(known.run, known.host);
  }

  return {
    sessions,
    runs,
    /** Submits a run where it shall run, or where its session is. */
    submit,
    /** Moves a session to another device. */
    migrate,

    /** Code of programs, for sessions of this device and of the others. */
    execution: (here: ExecutionParts): ExecutionParts =>
      executeThere({ here, submit: submitInto, runs, sessions, ...{ isHere, projects: parts.projects } }),

    /** A run that this device places has changed: once another device has it, it is copied. */
    changed,

    /** A run that this device places may begin on another one: it is copied from its first event on. */
    granted(run: Run, host: DeviceId): void {
      if (host !== device.id) copied.copy(run, host);
    },

    /** The other devices can be asked from now on. */
    opened(open: OpenMesh): OpenMesh {
      open.mesh.peers.onPeer(({ deviceId }, isConnected) => {
        if (isConnected) void copied.resume(deviceId);
      });
      // Once `others` knows them.
      setImmediate(() => {
        for (const run of open.placing.placed.list()) changed(run);
        void copied.resume(null);
      });
      return open;
    },

    /** Before the other devices are let go of. */
    close: copied.close,
  };
}
