/**
 * Files that documents refer to: pasted pictures and what programs drew, under `_assets/`, named by their sha-256 so
 * that the same bytes are stored once. And reading any file of the project, without leaving it.
 */
import { Failure, LIMITS, newId, type Asset, type AssetId, type IdSource, type ProjectId } from '@markco/protocol';
import { fileHeaders } from '@markco/replica/projects/file-headers';
import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { copyFile, link, mkdir, open, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { Readable } from 'node:stream';

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

/** `generated` for what programs make; empty for what people paste. */
type AssetFolder = '' | 'generated';

export async function saveAsset(
  place: AssetPlace,
  bytes: Uint8Array,
  mimeType: string,
  folder: AssetFolder = '',
): Promise<Asset> {
  if (bytes.length > LIMITS.assetBytesMax)
    throw new Failure('too_large', 'A file is at most 64 MiB here. Put it into the folder yourself and link to it.');
  if (bytes.length === 0) throw new Failure('bad_request', 'The file is empty. Nothing was stored.');
  return keep(
    place,
    { contentHash: createHash('sha256').update(bytes).digest('hex'), sizeBytes: bytes.length },
    mimeType,
    folder,
    (temporary) => writeFile(temporary, bytes, { flag: 'wx', flush: true }),
  );
}

/** A file that is already on this machine, however large; it is copied, not held in memory. */
export async function saveFile(
  place: AssetPlace,
  file: string,
  mimeType: string,
  folder: AssetFolder = '',
): Promise<Asset> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    sizeBytes += chunk.length;
  }
  return keep(place, { contentHash: hash.digest('hex'), sizeBytes }, mimeType, folder, async (temporary) => {
    await copyFile(file, temporary, constants.COPYFILE_EXCL);
    const handle = await open(temporary, 'r+');
    await handle.sync();
    await handle.close();
  });
}

/** Whole or not at all; a file that is there already has the same bytes by its name. */
async function keep(
  { root, projectId, ids }: AssetPlace,
  { contentHash, sizeBytes }: { contentHash: string; sizeBytes: number },
  mimeType: string,
  folder: AssetFolder,
  write: (temporary: string) => Promise<void>,
): Promise<Asset> {
  const mime = mimeType.split(';')[0]?.trim().toLowerCase() ?? '';
  const path = ['_assets', ...(folder === '' ? [] : [folder]), `${contentHash}${EXTENSIONS.get(mime) ?? '.bin'}`].join(
    '/',
  );
  const target = join(root, path);
  const parent = dirname(target);
  await mkdir(parent, { recursive: true });
  if (!`${await realpath(parent)}${sep}`.startsWith((await realpath(root)) + sep)) {
    throw new Failure('forbidden', 'The folder _assets leads out of the project. Nothing was stored.');
  }
  const temporary = join(parent, `.markco-${Buffer.from(ids.randomBytes(6)).toString('hex')}`);
  try {
    await write(temporary);
    await link(temporary, target);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    await rm(temporary, { force: true });
  }
  return {
    id: newId<AssetId>(ids),
    projectId,
    path,
    contentHash,
    mimeType: mime === '' ? 'application/octet-stream' : mime,
    sizeBytes,
    storageKey: contentHash,
    createdAt: new Date(ids.now()).toISOString(),
  };
}

/** A file of the project, for a document that shows it. It is never a page: no script of it runs. */
export async function readProjectFile(root: string, path: string, request: Request): Promise<Response> {
  const missing = new Failure('not_found', `There is no file ${path} in this project.`);
  if (path.split('/').some((part) => part === '' || part === '..' || part.startsWith('.')) || path.includes('\0'))
    throw missing;
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
  const headers = fileHeaders(file, size);
  headers.set('etag', etag);
  if (request.headers.get('if-none-match') === etag) return new Response(null, { status: 304, headers: { etag } });
  return new Response(Readable.toWeb(createReadStream(file)) as ReadableStream, { headers });
}
