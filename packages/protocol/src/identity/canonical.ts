/**
 * What is signed or hashed, as the one sequence of bytes that stands for it: dag-cbor, which leaves no choice of how
 * to write a value. Reading is as strict as writing: bytes that would not be written again exactly so are refused, so
 * that nothing has two forms with two hashes.
 */
import { decode, encode } from '@ipld/dag-cbor';
import * as z from 'zod/mini';
import { Failure } from '../failure.ts';

export function encodeCanonical(value: unknown): Uint8Array<ArrayBuffer> {
  return new Uint8Array(encode(value));
}

/** `what` begins the sentence of a refusal: "The certificate". The value owns its bytes. */
export function decodeCanonical<T>(
  schema: z.ZodMiniType<T>,
  bytes: Uint8Array,
  bytesMax: number,
  what: string,
): T | Failure {
  if (bytes.length > bytesMax)
    return new Failure('too_large', `${what} has ${bytes.length} bytes; at most ${bytesMax} are taken.`);
  let value: unknown;
  try {
    value = decode(new Uint8Array(bytes));
    if (!sameBytes(encode(value), bytes)) return new Failure('bad_request', `${what} is not in its canonical form.`);
  } catch (cause) {
    return new Failure('bad_request', `${what} cannot be read: its bytes were damaged or cut.`, { cause });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const at = parsed.error.issues[0]?.path.join('.') ?? '';
  return new Failure(
    'bad_request',
    `${what} is not one this version understands${at === '' ? '' : ` (${at})`}. Bring both devices to the newest version.`,
  );
}

/** Not for secrets: it stops at the first difference. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** A schema for exactly so many bytes. */
export function bytesSchema(length: number): z.ZodMiniType<Uint8Array> {
  return z.instanceof(Uint8Array).check(z.refine((bytes) => bytes.length === length));
}

/** A schema for signed or framed bytes that are opened later: only their size is looked at. */
export function opaqueSchema(bytesMax: number): z.ZodMiniType<Uint8Array> {
  return z.instanceof(Uint8Array).check(z.refine((bytes) => bytes.length <= bytesMax));
}
