/** What two devices say to each other about documents, as JSON; the documents themselves go as bytes (`sync/channel.ts`). */
import { DeviceIdSchema, DocumentIdSchema, Failure, ProjectIdSchema, ProjectSchema } from '@markco/protocol';
import * as z from 'zod/mini';
import { RowSchema } from './rows.ts';

/** Rows of one message; more go in several. */
export const ROWS_MAX = 500;
/** Channels are opened by both, so what is said about one begins with which of the two speaks. */
export const OPENER = 0;
export const ACCEPTER = 1;
const PROJECTS_MAX = 10_000;
/** Authors of one message; more go in several. */
export const AUTHORS_MAX = 500;
/** Devices that another one exchanges documents with. */
export const LINKS_MAX = 200;
/** Documents of one message about a cloud; more go in later ones. */
export const KEPT_MAX = 200;
/** A state vector in base64: of a document with more writers nothing is said. */
export const VECTOR_CHARS_MAX = 8_192;
const hash = z.string().check(z.regex(/^[0-9a-f]{16}$/));

const AuthorSchema = z.tuple([DocumentIdSchema, z.int().check(z.nonnegative())]);

const MessageSchema = z.discriminatedUnion('op', [
  /** All that the sender has open, each with a digest of everything in it. Said at first and when it changes. */
  z.object({
    op: z.literal('projects'),
    projects: z.array(z.object({ project: ProjectSchema, hash })).check(z.maxLength(PROJECTS_MAX)),
  }),
  /** Answered with the rows of those groups that differ, then `listed`. */
  z.object({
    op: z.literal('buckets'),
    projectId: ProjectIdSchema,
    hashes: z.string().check(z.maxLength(4_096)),
  }),
  z.object({
    op: z.literal('rows'),
    projectId: ProjectIdSchema,
    rows: z.array(RowSchema).check(z.maxLength(ROWS_MAX)),
  }),
  z.object({
    op: z.literal('listed'),
    projectId: ProjectIdSchema,
    buckets: z.array(z.int().check(z.minimum(0), z.maximum(255))).check(z.maxLength(256)),
  }),
  /** Ids that somebody on the sender's device writes with now, or has left: said before any edit under them. */
  z.object({
    op: z.literal('authors'),
    writes: z.array(AuthorSchema).check(z.maxLength(AUTHORS_MAX)),
    left: z.array(AuthorSchema).check(z.maxLength(AUTHORS_MAX)),
  }),
  /** All devices that the sender exchanges documents with now. */
  z.object({ op: z.literal('links'), devices: z.array(DeviceIdSchema).check(z.maxLength(LINKS_MAX)) }),
  /** What a cloud said to the sender that it keeps: of each document the state vector, and how long ago that was. */
  z.object({
    op: z.literal('kept'),
    cloud: DeviceIdSchema,
    documents: z
      .array(
        z.tuple([DocumentIdSchema, z.string().check(z.maxLength(VECTOR_CHARS_MAX)), z.int().check(z.nonnegative())]),
      )
      .check(z.maxLength(KEPT_MAX)),
  }),
]);
export type Message = z.infer<typeof MessageSchema>;

/** Null for one of a later version, which is passed over. Throws on what is no message at all. */
export function readMessage(text: string): Message | null {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new Failure('bad_request', 'A message could not be read.', { cause });
  }
  const parsed = MessageSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const op = typeof json === 'object' && json !== null && 'op' in json ? json.op : undefined;
  if (typeof op === 'string' && !OPS.has(op)) return null;
  throw new Failure('bad_request', `A message was refused: ${parsed.error.issues[0]?.message ?? 'not understood'}.`);
}

const OPS: ReadonlySet<string> = new Set(['projects', 'buckets', 'rows', 'listed', 'authors', 'links', 'kept']);

export const BAD_CHANNEL = new Failure('bad_request', 'This channel is in use.');
export const NOT_HERE = new Failure('not_found', 'There is no such document here.');
