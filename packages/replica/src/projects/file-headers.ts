/** With what a file of a project is answered, by its name: never as a page that could run something. */
import { extname } from 'node:path';

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
/** The type of a file by its name; undefined for what is only kept, never shown. */
export function mimeTypeOf(file: string): string | undefined {
  return TYPES[extname(file).toLowerCase()];
}

/** With what a file is answered, by its name. */
export function fileHeaders(file: string, sizeBytes: number): Headers {
  const type = mimeTypeOf(file);
  const headers = new Headers({
    'content-type': type ?? 'application/octet-stream',
    'content-length': String(sizeBytes),
    'content-security-policy': "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    'cache-control': 'private, no-cache',
  });
  if (type === undefined) headers.set('content-disposition', 'attachment');
  return headers;
}
