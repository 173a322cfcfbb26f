/**
 * A project that another program keeps in a folder of its own, and brings here by the sync path
 * (`POST /api/projects/register-local`): it is there from then on, under that id, with the names of its documents.
 *
 * 1. All names are looked at before anything is made.
 * 2. Documents that are there, or were deleted, stay as they are; the others begin empty, and are listed once they have
 *    text. What the program says that they have is not believed: their hash here is of what came.
 */
import { checkDocumentPath, Failure, type IdSource, type Project, type ProjectId } from '@markco/protocol';
import type { DocumentCatalog } from '../documents/catalog.ts';
import { newRecord } from './beginnings.ts';
import type { Folder } from './folder.ts';

export type Registered = Pick<Project, 'id' | 'slug' | 'displayName'> & {
  readonly documents: readonly { readonly path: string; readonly ext: '.md' | '.qmd' }[];
};

export type RegisterParts<P> = {
  readonly catalog: Pick<DocumentCatalog, 'byPath' | 'deletedAt'>;
  readonly ids: IdSource;
  /** @throws Failure `not_ready` when the folder cannot be reached */
  readonly folderOf: (id: ProjectId) => Pick<Folder, 'begin'>;
  /** Opens it here, or finds it open. */
  readonly keep: (project: Omit<Project, 'userId'>) => Promise<P>;
};

export function createRegister<P>({ catalog, ids, folderOf, keep }: RegisterParts<P>) {
  /** @throws Failure `bad_request` for a name that no document may have */
  return async ({ id, slug, displayName, documents }: Registered): Promise<P> => {
    const files = new Set(documents.map(fileOf));
    const now = new Date(ids.now()).toISOString();
    const project = await keep({
      ...{ id, slug, displayName, configPath: 'mrmd.md', source: 'opened-local', syncMode: 'active' },
      ...{ visibility: 'private', createdAt: now, updatedAt: now },
    });
    const lacking = [...files].filter(
      (file) => catalog.byPath(id, file) === undefined && catalog.deletedAt(id, file) === undefined,
    );
    if (lacking.length > 0) await folderOf(id).begin(lacking.map((file) => newRecord(id, file, ids)));
    return project;
  };
}

/** A `.qmd` beside a `.md` of the same name has its extension in its path. */
function fileOf({ path, ext }: Registered['documents'][number]): string {
  const checked = checkDocumentPath(path.endsWith(ext) ? path : `${path}${ext}`);
  if (checked instanceof Failure) throw checked;
  return checked;
}
