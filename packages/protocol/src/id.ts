/**
 * Ids are UUIDv7 (RFC 9562 §5.7): 48 bits of Unix milliseconds, then randomness, so that a list
 * sorted by id is a list sorted by time. Branded so that a run is never passed for a session.
 */
import * as z from 'zod/mini';

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

export type UserId = Branded<'UserId'>;
export type DeviceId = Branded<'DeviceId'>;
export type ProjectId = Branded<'ProjectId'>;
export type AttachmentId = Branded<'AttachmentId'>;
export type DocumentId = Branded<'DocumentId'>;
export type AssetId = Branded<'AssetId'>;
export type SessionId = Branded<'SessionId'>;
export type RunId = Branded<'RunId'>;
export type RunEventId = Branded<'RunEventId'>;

export const UUID_PATTERN = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** A schema for an id of one kind: lower-case UUID text, 36 characters. */
export function idSchema<Id extends string>(): z.ZodMiniType<Id, string> {
  return z.string().check(z.regex(UUID_PATTERN, 'must be a UUID in lower case')) as unknown as z.ZodMiniType<
    Id,
    string
  >;
}

export const UserIdSchema = idSchema<UserId>();
export const DeviceIdSchema = idSchema<DeviceId>();
export const ProjectIdSchema = idSchema<ProjectId>();
export const AttachmentIdSchema = idSchema<AttachmentId>();
export const DocumentIdSchema = idSchema<DocumentId>();
export const AssetIdSchema = idSchema<AssetId>();
export const SessionIdSchema = idSchema<SessionId>();
export const RunIdSchema = idSchema<RunId>();
export const RunEventIdSchema = idSchema<RunEventId>();

/** Where ids get their time (Unix milliseconds) and their 16 random bytes from. */
export type IdSource = { readonly now: () => number; readonly randomBytes: (length: number) => Uint8Array };

/** A new UUIDv7. The caller names the kind: `newId<RunId>(source)`. */
export function newId<Id extends string>(source: IdSource): Id {
  const bytes = source.randomBytes(16);
  const now = source.now();
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  view.setUint16(0, Math.floor(now / 0x1_0000_0000));
  view.setUint32(2, now >>> 0);
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  return formatUuid(bytes) as Id;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** 16 bytes as UUID text. */
export function formatUuid(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) text += '-';
    text += HEX[bytes[i] ?? 0];
  }
  return text;
}

/** UUID text as 16 bytes. The text must match `UUID_PATTERN`. */
export function parseUuid(id: string): Uint8Array {
  const bytes = new Uint8Array(16);
  let at = 0;
  for (let i = 0; i < 16; i++, at += 2) {
    if (id.codePointAt(at) === 0x2d) at++;
    bytes[i] = (digit(id, at) << 4) | digit(id, at + 1);
  }
  return bytes;
}

/** A hexadecimal digit, of either case: 0x30 is `0`, 0x61 is `a`. */
function digit(text: string, at: number): number {
  const code = text.codePointAt(at) ?? 0;
  return code < 0x40 ? code - 0x30 : (code | 0x20) - 0x61 + 10;
}
