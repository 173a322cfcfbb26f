/**
 * Files that runs saved under `_assets/` of their project: found by when they were written, served as any file of the
 * project is. No path of a request reaches the disk but through
 * `readProjectFile`.
 */
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { documentPathOf, Failure, LIMITS, type MrpResult, type ProjectId, type Run } from '@markco/protocol';
import { mimeTypeOf } from '@markco/replica/projects/file-headers';
import type { Projects } from '../projects/projects.ts';
import type { MrpSessions } from './sessions.ts';

const PREFIX = '/mrp/v1/assets/';
const FOLDER = '_assets/generated';
/** Files of the folder that are looked at. */
const FILES_MAX = 10_000;
/** The clock of a file system may be this much behind. */
const SLACK_MS = 5;

export type MrpAsset = MrpResult['assets'][number];

/** Where `readAsset` finds a file of a project, by the name that has here. */
export const assetUrl = (slug: string, path: string): string =>
  PREFIX + [slug, ...path.split('/')].map(encodeURIComponent).join('/');

/** What the code of a run of this device saved; none where its project is not open any more. */
export const assetsHere =
  (projects: Pick<Projects, 'list' | 'root'>) =>
  async (run: Run): Promise<MrpAsset[]> => {
    const project = projects.list().find(({ id }) => id === run.projectId);
    return project === undefined ? [] : assetsOf(projects.root(project.id), project.slug, run);
  };

/** Files directly in `_assets/generated` that were written while the run was on; the newest when there are too many. */
async function assetsOf(root: string, slug: string, run: Run): Promise<MrpAsset[]> {
  if (run.startedAt === undefined) return [];
  const from = Date.parse(run.startedAt) - SLACK_MS;
  const to = run.completedAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(run.completedAt);
  const found: { readonly at: number; readonly asset: MrpAsset }[] = [];
  let looked = 0;
  const folder = await opendir(join(root, FOLDER)).catch(() => null);
  for await (const { name } of folder ?? []) {
    if (++looked > FILES_MAX) break;
    if (name.startsWith('.')) continue;
    // A link may lead anywhere: it is no file of this run.
    const about = await lstat(join(root, FOLDER, name)).catch(() => null);
    if (about?.isFile() !== true || about.mtimeMs < from || about.mtimeMs > to) continue;
    const path = `${FOLDER}/${name}`;
    const mimeType = (mimeTypeOf(name) ?? 'application/octet-stream').split(';')[0] ?? '';
    found.push({
      at: about.mtimeMs,
      asset: { path, url: assetUrl(slug, path), mimeType, assetType: kindOf(mimeType), size: about.size },
    });
  }
  const newest = found.toSorted((a, b) => b.at - a.at).slice(0, LIMITS.mrpAssetsMax);
  return newest.map(({ asset }) => asset).toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

function kindOf(mimeType: string): string {
  if (mimeType === 'image/svg+xml') return 'svg';
  if (mimeType.startsWith('image/')) return 'image';
  return mimeType === 'application/json' || mimeType === 'text/plain' ? 'data' : 'file';
}

/** `PROJECT/_assets/…`, or `_assets/…` of the project opened first. */
export function readAsset(
  parts: {
    readonly projects: Pick<Projects, 'bySlug'>;
    readonly sessions: Pick<MrpSessions, 'firstProject'>;
    /** From another device where that has it. */
    readonly readFile: (id: ProjectId, path: string, request: Request) => Promise<Response>;
  },
  request: Request,
): Promise<Response> {
  const missing = new Failure('not_found', 'There is no such asset on this device.');
  let path: string;
  try {
    path = decodeURIComponent(new URL(request.url).pathname.slice(PREFIX.length));
  } catch {
    throw missing;
  }
  const [first = '', ...rest] = path.split('/');
  const project = first === '_assets' ? parts.sessions.firstProject() : parts.projects.bySlug(first);
  const file = first === '_assets' ? path : rest.join('/');
  if (project === undefined || !file.startsWith('_assets/') || documentPathOf(file, () => true) !== null) throw missing;
  return parts.readFile(project.id, file, request);
}
