/** The sha-256 of a file's bytes in hexadecimal; large ones are hashed beside the event loop. */
import { createHash } from 'node:crypto';

const INLINE_BYTES_MAX = 128 * 1024;

export async function contentHash(bytes: Uint8Array): Promise<string> {
  if (bytes.length <= INLINE_BYTES_MAX) return createHash('sha256').update(bytes).digest('hex');
  return Buffer.from(await crypto.subtle.digest('SHA-256', Uint8Array.from(bytes))).toString('hex');
}
