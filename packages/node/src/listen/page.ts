/**
 * The built page and its files, and nothing outside their folder. A path that is no file is the page itself, which
 * then shows what the address names.
 */
import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { Readable } from 'node:stream';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
  '.map': 'application/json',
};

/** The page runs its own scripts and nothing else, talks to its own device and nobody else. */
const PAGE_POLICY = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "frame-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** A frame for what a program printed as HTML: its scripts may run, but it has no origin, no network, no storage. */
const FRAME_POLICY = [
  'sandbox allow-scripts',
  "default-src 'none'",
  "script-src 'unsafe-inline'",
  "style-src 'unsafe-inline'",
  'img-src data: blob:',
  'font-src data:',
  'media-src data: blob:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
].join('; ');

export async function servePage(folder: string, path: string, method: string): Promise<Response> {
  if (method !== 'GET' && method !== 'HEAD')
    return new Response(null, { status: 405, headers: { allow: 'GET, HEAD' } });
  const name = path === '/frame' ? '/frame.html' : path;
  const file =
    (await insideFolder(folder, name)) ?? (isAddress(name) ? await insideFolder(folder, '/index.html') : undefined);
  if (file === undefined) {
    return new Response('The page is not built yet. Run `npm start`, which builds it.\n', {
      status: 404,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
    });
  }
  const type = TYPES[extname(file.path)] ?? 'application/octet-stream';
  const headers = new Headers({
    'content-type': type,
    'content-length': String(file.size),
    // Built files carry a hash in their name; everything else is asked for anew.
    'cache-control': path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
  });
  if (type.startsWith('text/html'))
    headers.set('content-security-policy', name === '/frame.html' ? FRAME_POLICY : PAGE_POLICY);
  if (method === 'HEAD') return new Response(null, { headers });
  return new Response(Readable.toWeb(createReadStream(file.path)) as ReadableStream, { headers });
}

/** Whether the page itself answers: it knows what stands below `/p/` and `/shared/`, whatever the name ends with. */
function isAddress(path: string): boolean {
  return path === '/' || path.startsWith('/p/') || path.startsWith('/shared/') || extname(path) === '';
}

async function insideFolder(folder: string, path: string): Promise<{ path: string; size: number } | undefined> {
  try {
    const root = await realpath(folder);
    const real = await realpath(join(root, decodeURIComponent(path)));
    if (!real.startsWith(root + sep)) return undefined;
    const { size, isFile } = await stat(real).then((found) => ({ size: found.size, isFile: found.isFile() }));
    return isFile ? { path: real, size } : undefined;
  } catch {
    return undefined;
  }
}
