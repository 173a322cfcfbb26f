/**
 * Files that documents refer to: pasted pictures and what programs drew, under `_assets/`, named by their sha-256 so
 * that the same bytes are stored once. And reading any file of the project, without leaving it.
 */
import { Failure, LIMITS, newId, type Asset, type AssetId, type IdSource, type ProjectId } from '@markco/protocol';
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, mkdir, open, realpath, rm, stat } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { Readable } from 'node:stream';

const TYPES: Readonly<Record<string, string>> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
  '.avif': 'image/avif',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.csv': 'text/plain; charset=utf-8',
  '.json': 'application/json',
  '.pdf': 'application/pdf',
};
const EXTENSIONS = new Map([
  ['image/png', '.png'],
  ['image/jpeg', '.jpg'],
  ['image/gif', '.gif'],
  ['image/webp', '.webp'],
  ['image/avif', '.avif'],
  ['image/svg+xml', '.svg'],
  ['text/plain', '.txt'],
  ['text/csv', '.csv'],
  ['application/json', '.json'],
  ['application/pdf', '.pdf'],
]);

export type AssetPlace = { readonly root: string; readonly projectId: ProjectId; readonly ids: IdSource };

/** @param folder below `_assets/`; empty for what people paste, `generated` for what programs make */
export async function saveAsset({ root, projectId, ids }: AssetPlace, bytes: Uint8Array, mimeType: string, folder: '' | 'generated' = ''): Promise<Asset> {
  if (bytes.length > LIMITS.assetBytesMax) throw new Failure('too_large', 'A file is at most 64 MiB here. Put it into the folder yourself and link to it.');
  if (bytes.length === 0) throw new Failure('bad_request', 'The file is empty. Nothing was stored.');
  const mime = mimeType.split(';')[0]?.trim().toLowerCase() ?? '';
  const extension = EXTENSIONS.get(mime) ?? '.bin';
  const contentHash = createHash('sha256').update(bytes).digest('hex');
  const path = ['_assets', ...(folder === '' ? [] : [folder]), `${contentHash}${extension}`].join('/');
  const target = join(root, path);
  await mkdir(join(target, '..'), { recursive: true });
  const real = await realpath(join(target, '..'));
  if (!`${real}${sep}`.startsWith((await realpath(root)) + sep)) throw new Failure('forbidden', 'The folder _assets leads out of the project. Nothing was stored.');
  await writeOnce(target, bytes);
  return {
    id: newId<AssetId>(ids),
    projectId,
    path,
    contentHash,
    mimeType: mime === '' ? 'application/octet-stream' : mime,
    sizeBytes: bytes.length,
    storageKey: contentHash,
    createdAt: new Date(ids.now()).toISOString(),
  };
}

/** A file of the project, for a document that shows it. It is never a page: no script of it runs. */
export async function readProjectFile(root: string, path: string, request: Request): Promise<Response> {
  const missing = new Failure('not_found', `There is no file ${path} in this project.`);
  if (path.split('/').some((part) => part === '' || part === '..' || part.startsWith('.')) || path.includes('\0')) throw missing;
  let file: string;
  let size: number;
  let etag: string;
  try {
    file = await realpath(join(root, path));
    if (!file.startsWith((await realpath(root)) + sep)) throw missing;
    const found = await stat(file);
    if (!found.isFile()) throw missing;
    size = found.size;
    etag = `"${found.size.toString(36)}-${Math.floor(found.mtimeMs).toString(36)}"`;
  } catch {
    throw missing;
  }
  const type = TYPES[extname(file).toLowerCase()];
  const headers = new Headers({
    'content-type': type ?? 'application/octet-stream',
    'content-length': String(size),
    'content-security-policy': "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    'cache-control': 'private, no-cache',
    etag,
  });
  if (type === undefined) headers.set('content-disposition', 'attachment');
  if (request.headers.get('if-none-match') === etag) return new Response(null, { status: 304, headers: { etag } });
  return new Response(Readable.toWeb(createReadStream(file)) as ReadableStream, { headers });
}

/** Whole or not at all; a file that is there already has the same bytes by its name. */
async function writeOnce(target: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(target, '..', `.markco-${randomBytes(6).toString('hex')}`);
  const handle = await open(temporary, 'wx');
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    await link(temporary, target);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}
