/** The runs of this device, given its documents and its projects: what they wait for, write and leave behind. */
import type { Device, User } from '@markco/protocol';
import { writeOutput } from '@markco/replica/outputs/write-output';
import type { Config } from './config.ts';
import type { Documents } from '@markco/replica/documents/documents';
import type { NodeParts } from './node-parts.ts';
import { flatLog, type Logger } from './observe/log.ts';
import { saveAsset, saveFile } from './projects/assets.ts';
import type { Projects } from './projects/projects.ts';
import { createRuns, type Runs, type RunsParts } from './runs/runs.ts';

export type RunsHereParts = Pick<RunsParts, 'place' | 'store' | 'containers'> & {
  readonly config: Pick<Config, 'home' | 'sessionLimits' | 'sessionIdleMs'>;
  readonly parts: Pick<NodeParts, 'ids' | 'env' | 'kill'>;
  readonly user: Pick<User, 'id'>;
  readonly device: Device;
  readonly documents: Documents;
  readonly projects: Projects;
  readonly author: () => number;
  readonly log: Logger;
};

export function createRunsHere(of: RunsHereParts): Promise<Runs> {
  const { config, documents, projects, author, log } = of;
  const { ids, env, kill } = of.parts;
  return createRuns({
    ...{ ids, env, kill, user: of.user, device: of.device, store: of.store, place: of.place },
    home: config.home,
    ...(of.containers === undefined ? {} : { containers: of.containers }),
    limits: config.sessionLimits,
    idleMs: config.sessionIdleMs,
    log: flatLog(log),
    projectFolder: async (id) => projects.root(id),
    projectSlug: (id) => projects.list().find((project) => project.id === id)?.slug ?? null,
    async barrier(run, docVersion, signal) {
      if (run.documentId !== undefined && docVersion !== null)
        await documents.reached(run.documentId, Buffer.from(docVersion, 'base64'), signal);
      await projects.flush(run.projectId, signal);
    },
    writeOutput: (run, text) => writeOutput({ documents, author }, run, text),
    async saveAsset(run, content, mime) {
      const place = { root: projects.root(run.projectId), projectId: run.projectId, ids };
      const asset =
        'bytes' in content
          ? await saveAsset(place, content.bytes, mime, 'generated')
          : await saveFile(place, content.file, mime, 'generated');
      return asset.path;
    },
  });
}
