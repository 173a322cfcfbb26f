/** A run request as it comes over HTTP or a socket, checked against what is here and handed to the runs. */
import {
  codeOptions,
  decodeStateVector,
  DEFAULT_SESSION,
  Failure,
  newId,
  type Device,
  type IdSource,
  type Run,
  type RunId,
  type RunRequest,
} from '@markco/protocol';
import type { SessionWishes } from './cells/session-wish.ts';
import type { Projects } from './projects/projects.ts';
import { RUNTIMES, runtimeFor } from './runtimes/descriptor.ts';
import type { SessionWish } from './runtimes/session-host.ts';
import type { Runs } from './runs/runs.ts';

export type SubmitParts = {
  readonly runs: Runs;
  readonly projects: Projects;
  readonly device: Device;
  readonly ids: IdSource;
  readonly sessionFor: SessionFor;
};

/** Which session runs a language for a document: `bad_request`, `unsupported`. */
export type SessionFor = (request: Pick<RunRequest, 'projectId' | 'documentId' | 'language'>) => Promise<SessionWish>;

/** Fails with `not_found` when `runOn` names another device than this one. */
export function requireHere(device: Device, runOn: string | undefined): void {
  if (runOn === undefined || runOn === device.id || runOn.toLowerCase() === device.name.toLowerCase()) return;
  throw new Failure('not_found', `No device here is called ${runOn}. Leave it out to run on ${device.name}.`);
}

export function createSubmit({
  runs,
  projects,
  device,
  ids,
  sessionFor,
}: SubmitParts): (request: RunRequest) => Promise<Run> {
  return async (request) => {
    requireVersion(request.docVersion);
    const { documentId, projectId, sessionId } = request;
    if (projectId !== undefined) projects.get(projectId);
    if (documentId !== undefined && projectId !== undefined) projects.record(projectId, documentId);
    const session = sessionId === undefined ? await sessionFor(request) : { sessionId };
    const known = 'language' in session ? session : runs.sessions.get(session.sessionId);
    const on = known === null ? null : codeOptions(request.code, known.language).on;
    requireHere(device, request.runOn ?? on ?? undefined);
    return runs.submit({
      id: request.id ?? newId<RunId>(ids),
      session,
      code: request.code,
      documentId: documentId ?? null,
      cellId: request.cellId ?? null,
      docVersion: request.docVersion ?? null,
    });
  };
}

/** A version that cannot be read would only show once the run has its turn. */
function requireVersion(docVersion: string | undefined): void {
  if (docVersion === undefined) return;
  try {
    decodeStateVector(Buffer.from(docVersion, 'base64'));
  } catch (cause) {
    throw new Failure('bad_request', '`docVersion` must be a Yjs state vector in base64. Nothing was run.', { cause });
  }
}

const SESSION_NAME_CHARS_MAX = 100;

export function createSessionFor(wishes: SessionWishes): SessionFor {
  return async ({ projectId, documentId, language }) => {
    if (projectId === undefined || language === undefined)
      throw new Failure('bad_request', 'Give `sessionId`, or `projectId` and `language`.');
    const runtime = runtimeFor(language);
    if (runtime === undefined) {
      const known = RUNTIMES.map((row) => row.label).join(', ');
      throw new Failure('unsupported', `This device cannot run ${language}. It can run ${known}.`);
    }
    const config = (await wishes(projectId, documentId)).session[runtime.language];
    // A kernel of its own is a session of its own: the one that others share runs in another interpreter.
    const name = config.name ?? config.kernel?.slice(0, SESSION_NAME_CHARS_MAX) ?? DEFAULT_SESSION;
    return { projectId, language: runtime.language, name, config };
  };
}
