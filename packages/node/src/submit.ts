/** A run request as it comes over HTTP or a socket, checked against what is here and handed to the runs. */
import { Failure, newId, type Device, type IdSource, type Run, type RunId, type RunRequest } from '@markco/protocol';
import type { Projects } from './projects/projects.ts';
import { runtimeFor } from './runtimes/descriptor.ts';
import type { Runs } from './runs/runs.ts';

export type SubmitParts = { readonly runs: Runs; readonly projects: Projects; readonly device: Device; readonly ids: IdSource };

/** The session of a project that all its documents share unless they say otherwise. */
export const DEFAULT_SESSION = 'default';

export function createSubmit({ runs, projects, device, ids }: SubmitParts): (request: RunRequest) => Promise<Run> {
  return async (request) => {
    if (request.runOn !== undefined && request.runOn !== device.id && request.runOn.toLowerCase() !== device.name.toLowerCase()) {
      throw new Failure('not_found', `No device here is called ${request.runOn}. Leave it out to run on ${device.name}.`);
    }
    const { documentId, projectId, language, sessionId } = request;
    if (projectId !== undefined) projects.get(projectId);
    if (documentId !== undefined && projectId !== undefined) projects.record(projectId, documentId);
    const session = sessionId === undefined ? sessionKey(projectId, language) : { sessionId };
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

export function sessionKey(projectId: RunRequest['projectId'], language: string | undefined) {
  if (projectId === undefined || language === undefined) throw new Failure('bad_request', 'Give `sessionId`, or `projectId` and `language`.');
  const runtime = runtimeFor(language);
  if (runtime === undefined) throw new Failure('unsupported', `This device cannot run ${language}. It can run Python.`);
  return { projectId, language: runtime.language, name: DEFAULT_SESSION };
}
