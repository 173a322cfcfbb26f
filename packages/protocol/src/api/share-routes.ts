/**
 * The part of the route table that is about share links: `/join/TOKEN` at a cloud shows one document, or one project,
 * to whoever has it. Its owner makes, lists and revokes them; a device asks its cloud for that.
 */
import * as z from 'zod/mini';
import { DocumentSchema } from '../entity/document.ts';
import { ProjectSchema } from '../entity/project.ts';
import { CountSchema, NameSchema, TimeSchema } from '../entity/scalar.ts';
import { DocumentIdSchema, ProjectIdSchema } from '../id.ts';

/** What a link may let somebody do; a run is never among it. */
export const ShareRoleSchema = z.enum(['view', 'suggest', 'edit']);
export type ShareRole = z.infer<typeof ShareRoleSchema>;

const MINUTE_MS = 60_000;
const YEAR_MS = 366 * 24 * 3_600_000;

export const ShareSchema = z.strictObject({
  id: z.string(),
  role: ShareRoleSchema,
  projectId: ProjectIdSchema,
  /** Of the project, as its owner calls it. */
  project: NameSchema,
  /** Absent: all documents of the project. */
  documentId: z.optional(DocumentIdSchema),
  /** Where the document is; absent also when it was deleted. */
  path: z.optional(z.string()),
  /** Of a link to suggest changes: where the copy is that guests write in. */
  copyPath: z.optional(z.string()),
  createdAt: TimeSchema,
  /** Absent: until it is revoked. */
  endsAt: z.optional(TimeSchema),
  /** Browsers that came by it and may come back. */
  guests: CountSchema,
});
export type Share = z.infer<typeof ShareSchema>;

/** What a guest has. */
export const JoinedSchema = z.strictObject({
  id: z.string(),
  role: ShareRoleSchema,
  project: ProjectSchema,
  /** The one document of the link; absent where it is the whole project. */
  document: z.optional(DocumentSchema),
  /** What who suggests writes in; absent also when its owner has deleted it. */
  copy: z.optional(DocumentSchema),
  endsAt: z.optional(TimeSchema),
});
export type Joined = z.infer<typeof JoinedSchema>;

export const SHARE_ROUTES = {
  /** All links of the person. */
  shares: { method: 'GET', path: '/api/shares', status: 200, answer: z.strictObject({ shares: z.array(ShareSchema) }) },
  /**
   * `url` is told once: what is kept is a hash of what is secret in it. A link to suggest changes is to one document, and
   * makes a copy of it.
   */
  share: {
    method: 'POST',
    path: '/api/projects/:id/shares',
    body: z.strictObject({
      role: ShareRoleSchema,
      documentId: z.optional(DocumentIdSchema),
      lastsMs: z.optional(z.number().check(z.int(), z.minimum(MINUTE_MS), z.maximum(YEAR_MS))),
    }),
    status: 201,
    answer: z.strictObject({ share: ShareSchema, url: z.string() }),
  },
  /** What is suggested for a document: the copies that links lead to, each with the text that it began with. */
  suggestions: {
    method: 'GET',
    path: '/api/projects/:id/documents/:documentId/suggestions',
    status: 200,
    answer: z.strictObject({
      copies: z.array(z.strictObject({ share: z.string(), copyId: DocumentIdSchema, base: z.string() })),
    }),
  },
  /** Whoever is there by it is cut off. */
  revokeShare: { method: 'DELETE', path: '/api/shares/:share', status: 204 },
} as const;

/** Of guests, at a cloud alone. */
export const GUEST_ROUTES = {
  /** Trades what is secret in a link for a cookie of this browser, which is of that link alone. */
  join: {
    method: 'POST',
    path: '/api/join',
    body: z.strictObject({ token: z.string().check(z.minLength(1), z.maxLength(200)) }),
    status: 200,
    open: true,
    answer: z.strictObject({ id: z.string() }),
  },
  joined: { method: 'GET', path: '/api/joined', status: 200, answer: JoinedSchema },
} as const;

/** Says as which guest a request comes, where a browser may be several: its cookie says whether it is. */
export const SHARE_HEADER = 'x-markco-share';
/** The same where no header can be sent: a WebSocket, a picture. */
export const SHARE_QUERY = 'share';
