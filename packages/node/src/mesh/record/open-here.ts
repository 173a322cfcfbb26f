/** Opens a project of another device here: its folder is made, and its documents come to it. */
import { Failure, type ProjectId } from '@markco/protocol';
import type { DocumentCatalog } from '@markco/replica/documents/catalog';
import type { ProjectHere, Projects } from '../../projects/projects.ts';
import { requireRoom, roomIn } from '../../projects/room-for.ts';
import { requireElsewhere, type ProjectElsewhere } from './elsewhere.ts';

const OPEN_MS = 120_000;

export type OpenHereParts = {
  readonly catalog: Pick<DocumentCatalog, 'project'>;
  readonly projects: Pick<Projects, 'join'>;
  /** Where projects go unless somebody says otherwise. */
  readonly folder: string;
  readonly elsewhere: () => readonly ProjectElsewhere[];
};

/**
 * `localPath`: absolute, empty or not there yet; its place of before, or one of its own, when it is left out.
 * Fails with `not_found`, `not_ready` while nobody who has it is connected, `conflict` when the folder has other files.
 */
export type OpenHere = (id: ProjectId, localPath?: string) => Promise<ProjectHere>;

export function createOpenHere({ catalog, projects, folder, elsewhere }: OpenHereParts): OpenHere {
  // One after another, so that two do not choose the same folder.
  let turn: Promise<unknown> = Promise.resolve();

  async function open(id: ProjectId, localPath: string | undefined): Promise<ProjectHere> {
    const { project } = requireElsewhere(elsewhere(), id);
    const known = catalog.project(id);
    if (known?.closed === false && localPath !== undefined && localPath !== known.localRootPath)
      throw new Failure('conflict', `${project.displayName} is open here already, in ${known.localRootPath ?? ''}.`);
    if (localPath !== undefined && localPath !== known?.localRootPath) await requireRoom(localPath, project);
    const root = localPath ?? known?.localRootPath ?? (await roomIn(folder, project));
    return projects.join(project, root, AbortSignal.timeout(OPEN_MS));
  }

  return (id, localPath) => {
    const opened = turn.then(() => open(id, localPath));
    turn = opened.catch(() => undefined);
    return opened;
  };
}
