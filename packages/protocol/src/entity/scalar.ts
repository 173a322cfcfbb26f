/** The scalar fields that entities share, each with its bound. */
import * as z from 'zod/mini';
import { LIMITS } from '../limits.ts';

/** ISO 8601 in UTC with milliseconds, as `Date#toISOString` writes it. */
export const TimeSchema = z.iso.datetime();
export const NameSchema = z.string().check(z.minLength(1), z.maxLength(LIMITS.nameCharsMax));
/** `sha256:` is not part of it: 64 lower-case hexadecimal digits. */
export const Sha256Schema = z.string().check(z.regex(/^[0-9a-f]{64}$/, 'must be a sha-256 in hexadecimal'));
export const BytesSchema = z.number().check(z.int(), z.minimum(0));
export const CountSchema = z.number().check(z.int(), z.minimum(0));
/** A path inside a project, `/` between its parts; what it may hold is decided by `document/path.ts`. */
export const PathSchema = z.string().check(z.minLength(1), z.maxLength(LIMITS.pathBytesMax));
export const SlugSchema = z.string().check(z.regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be 1 to 63 of a-z, 0-9 and -'));
