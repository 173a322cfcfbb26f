/**
 * The route table: every HTTP request a device answers, with the shapes of what goes in and comes out.
 * The server mounts exactly these, the client calls exactly these; a route that is not here does not exist.
 *
 * `:name` in a path is one path part; `*` is the rest. Bodies and answers are JSON unless `raw` says otherwise.
 * WebSocket paths are in `SOCKET_ROUTES`.
 */
import * as z from 'zod/mini';
import { MigrationTargetSchema } from '../domain.ts';
import { AssetSchema } from '../entity/asset.ts';
import { DevicePolicySchema, NodeCapabilitySchema } from '../entity/capability.ts';
import { DeviceSchema } from '../entity/device.ts';
import { DocumentSchema } from '../entity/document.ts';
import { ProjectSchema } from '../entity/project.ts';
import { CellIdSchema, RunSchema, RunStateSchema } from '../entity/run.ts';
import { CountSchema, NameSchema, PathSchema, Sha256Schema, SlugSchema, TimeSchema } from '../entity/scalar.ts';
import { RuntimeSessionSchema } from '../entity/session.ts';
import { UserSchema } from '../entity/user.ts';
import { DeviceIdSchema, DocumentIdSchema, ProjectIdSchema, RunIdSchema, SessionIdSchema } from '../id.ts';
import { LIMITS } from '../limits.ts';
import { ACCOUNT_ROUTES } from './account-routes.ts';
import { PLACEMENT_ROUTES } from './placement.ts';
import { COPY_ROUTES } from './copy-routes.ts';
import { CLOUD_ROUTES } from './cloud-routes.ts';
import { DEVICE_ROUTES } from './device-routes.ts';
import { MRP_ROUTES } from '../mrp/routes.ts';
import { PUBLICATION_ROUTES } from './publication-routes.ts';
import { PEER_ROUTES } from './peer-routes.ts';
import { RECORD_ROUTES } from './record-routes.ts';
import { GUEST_ROUTES, SHARE_ROUTES } from './share-routes.ts';
import { TICKET_ROUTES } from './ticket-routes.ts';

export type Route = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: z.ZodMiniType;
  readonly query?: z.ZodMiniType;
  /** Missing: 204, or raw bytes. */
  readonly answer?: z.ZodMiniType;
  readonly status: number;
  /** Only these may be asked without a token. */
  readonly open?: true;
  /** The body is bytes, not JSON. */
  readonly rawBody?: true;
};

const localPath = z.string().check(z.minLength(1), z.maxLength(4_096));
const text = z.string().check(z.maxLength(LIMITS.documentTextBytesMax));
const queryText = z.string().check(z.minLength(1), z.maxLength(1_000));
const countText = z.string().check(z.regex(/^\d{1,9}$/, 'must be a whole number'));

/** `python`, `py`, `sh`…: any name or alias a runtime goes by; the device says which it has. */
export const LanguageNameSchema = z.string().check(z.minLength(1), z.maxLength(50));
/** Where a run should go: a device's id, or `cloud`. */
export const RunOnSchema = z.string().check(z.minLength(1), z.maxLength(100));
/** A Yjs state vector in base64. */
export const DocVersionSchema = z
  .string()
  .check(z.maxLength(1_000_000), z.regex(/^[A-Za-z0-9+/]*={0,2}$/, 'must be base64'));

const SealedSchema = z.string().check(z.maxLength(8_192), z.regex(/^[A-Za-z0-9+/]*={0,2}$/, 'must be base64'));

export const RunRequestSchema = z
  .strictObject({
    id: z.optional(RunIdSchema),
    sessionId: z.optional(SessionIdSchema),
    projectId: z.optional(ProjectIdSchema),
    language: z.optional(LanguageNameSchema),
    code: z.string().check(z.maxLength(LIMITS.codeBytesMax)),
    documentId: z.optional(DocumentIdSchema),
    cellId: z.optional(CellIdSchema),
    runOn: z.optional(RunOnSchema),
    docVersion: z.optional(DocVersionSchema),
    /** From another device of the user: its leave to run just this, just here. */
    grant: z.optional(SealedSchema),
    /** Of the device that signed `grant`, where another one keeps the run until its host is there. */
    certificate: z.optional(SealedSchema),
  })
  .check(
    z.refine(
      (request) =>
        request.sessionId !== undefined || (request.projectId !== undefined && request.language !== undefined),
      'give `sessionId`, or `projectId` and `language`',
    ),
  );
export type RunRequest = z.infer<typeof RunRequestSchema>;

export const SearchHitSchema = z.strictObject({
  documentId: DocumentIdSchema,
  path: PathSchema,
  title: z.string(),
  /** From 1. */
  line: CountSchema,
  /** UTF-16 offset of the match in the document, and its length. */
  offset: CountSchema,
  length: CountSchema,
  /** The line, cut to 300 characters around the match; `column` is where the match starts in it. */
  text: z.string(),
  column: CountSchema,
});
export type SearchHit = z.infer<typeof SearchHitSchema>;

export const MomentSchema = z.strictObject({
  /** Log position: the document after this many changes. */
  seq: CountSchema,
  at: TimeSchema,
  /** Changes since the moment before. */
  edits: CountSchema,
  by: z.enum(['page', 'file', 'run', 'restore', 'import']),
});
export type Moment = z.infer<typeof MomentSchema>;

export const RuntimeSchema = z.strictObject({
  language: z.string(),
  label: z.string(),
  available: z.boolean(),
  version: z.optional(z.string()),
  /** What to do when it is missing. */
  hint: z.optional(z.string()),
  /** What a project or document may name as its `kernel` to run this language in instead. */
  kernels: z.optional(z.array(z.strictObject({ name: z.string(), label: z.string() }))),
});

/** A session as its device lists it: what it costs right now, and what it is doing. */
export const SessionHereSchema = z.extend(RuntimeSessionSchema, {
  /** Of the interpreter and everything it started; absent while there is none. */
  usage: z.optional(
    z.object({ memoryBytes: CountSchema, /** 100 is one core. */ cpuPercent: z.number(), processes: CountSchema }),
  ),
  currentRun: z.optional(RunIdSchema),
  /** Runs that wait for it. */
  queued: CountSchema,
  /** It has been idle for long, and ends then unless it is used. */
  endsAt: z.optional(TimeSchema),
  /** The other device it is on, by its name; absent for the device that was asked. */
  deviceName: z.optional(NameSchema),
});
export type SessionHere = z.infer<typeof SessionHereSchema>;

/** The policy that counts on a device, and why it is not the one its owner set, when that cannot be read. */
export const DevicePolicyHereSchema = z.strictObject({ policy: DevicePolicySchema, problem: z.optional(z.string()) });
export type DevicePolicyHere = z.infer<typeof DevicePolicyHereSchema>;

const projectWithFolder = z.extend(ProjectSchema, { localRootPath: z.optional(z.string()) });
export type ProjectHere = z.infer<typeof projectWithFolder>;

const documentPath = '/api/projects/:id/documents/:documentId';

export const ROUTES = {
  health: { method: 'GET', path: '/health', status: 200, open: true, answer: z.object({ status: z.literal('ok') }) },
  stats: { method: 'GET', path: '/stats', status: 200, answer: z.record(z.string(), z.unknown()) },
  metrics: { method: 'GET', path: '/metrics', status: 200 },
  /** A page for whoever runs a cloud; of a cloud alone. */
  operator: { method: 'GET', path: '/operator', status: 200 },
  /** Trades the bearer token for a `session_token` cookie, so that the page keeps no secret in its scripts. */
  signIn: {
    method: 'POST',
    path: '/api/session',
    /** At a cloud: no copy is kept in this browser. */
    query: z.strictObject({ publicComputer: z.optional(z.enum(['0', '1'])) }),
    status: 204,
  },
  device: {
    method: 'GET',
    path: '/api/device',
    status: 200,
    answer: z.object({
      device: DeviceSchema,
      user: UserSchema,
      version: z.string(),
      runtimes: z.array(RuntimeSchema),
      home: z.string(),
    }),
  },
  devicePolicy: { method: 'GET', path: '/api/device/policy', status: 200, answer: DevicePolicyHereSchema },
  /** The whole policy: what is left out is refused, not kept. */
  setDevicePolicy: {
    method: 'PUT',
    path: '/api/device/policy',
    body: DevicePolicySchema,
    status: 200,
    answer: DevicePolicyHereSchema,
  },
  /** Folders of this machine, for a person who looks for one to open. */
  folders: {
    method: 'GET',
    path: '/api/folders',
    query: z.strictObject({ path: z.optional(localPath) }),
    status: 200,
    answer: z.object({
      path: z.string(),
      parent: z.nullable(z.string()),
      folders: z.array(z.object({ name: z.string(), path: z.string(), markdownFiles: CountSchema })),
    }),
  },
  openLocal: {
    method: 'POST',
    path: '/api/projects/open-local',
    body: z.strictObject({ localPath, displayName: z.optional(NameSchema) }),
    status: 201,
    answer: projectWithFolder,
  },
  registerLocal: {
    method: 'POST',
    path: '/api/projects/register-local',
    body: z.strictObject({
      id: ProjectIdSchema,
      slug: SlugSchema,
      displayName: NameSchema,
      documents: z
        .array(z.strictObject({ path: PathSchema, ext: z.enum(['.md', '.qmd']), contentHash: Sha256Schema }))
        .check(z.maxLength(LIMITS.documentsPerProjectMax)),
    }),
    status: 200,
    answer: projectWithFolder,
  },
  projects: {
    method: 'GET',
    path: '/api/projects',
    status: 200,
    answer: z.object({ projects: z.array(projectWithFolder) }),
  },
  closeProject: { method: 'DELETE', path: '/api/projects/:id', status: 204 },
  documents: {
    method: 'GET',
    path: '/api/projects/:id/documents',
    status: 200,
    answer: z.object({ documents: z.array(DocumentSchema) }),
  },
  documentsOfUser: {
    method: 'GET',
    path: '/api/documents/:userId',
    status: 200,
    answer: z.object({ documents: z.array(DocumentSchema) }),
  },
  documentsOfUserProject: {
    method: 'GET',
    path: '/api/documents/:userId/:project',
    status: 200,
    answer: z.object({ documents: z.array(DocumentSchema) }),
  },
  createDocument: {
    method: 'POST',
    path: '/api/projects/:id/documents',
    body: z.strictObject({ path: PathSchema, ext: z.optional(z.enum(['.md', '.qmd'])), text: z.optional(text) }),
    status: 201,
    answer: DocumentSchema,
  },
  document: { method: 'GET', path: documentPath, status: 200, answer: DocumentSchema },
  deleteDocument: { method: 'DELETE', path: documentPath, status: 204 },
  undeleteDocument: { method: 'POST', path: `${documentPath}/undelete`, status: 200, answer: DocumentSchema },
  /** Moves a document and rewrites the links that lead to it and from it. Moving it back undoes both. */
  moveDocument: {
    method: 'POST',
    path: `${documentPath}/move`,
    body: z.strictObject({ path: PathSchema, ext: z.optional(z.enum(['.md', '.qmd'])) }),
    status: 200,
    answer: z.object({
      document: DocumentSchema,
      updatedLinks: CountSchema,
      updatedDocuments: z.array(DocumentIdSchema),
    }),
  },
  search: {
    method: 'GET',
    path: '/api/projects/:id/search',
    query: z.strictObject({
      q: queryText,
      limit: z.optional(countText),
      caseSensitive: z.optional(z.enum(['0', '1'])),
      regex: z.optional(z.enum(['0', '1'])),
    }),
    status: 200,
    answer: z.object({ hits: z.array(SearchHitSchema), truncated: z.boolean(), documents: CountSchema }),
  },
  history: {
    method: 'GET',
    path: `${documentPath}/history`,
    status: 200,
    answer: z.object({ moments: z.array(MomentSchema), seq: CountSchema }),
  },
  historyAt: {
    method: 'GET',
    path: `${documentPath}/history/:seq`,
    status: 200,
    answer: z.object({ seq: CountSchema, at: TimeSchema, text }),
  },
  historyRestore: { method: 'POST', path: `${documentPath}/history/:seq/restore`, status: 200, answer: DocumentSchema },
  /** The bytes of a picture or other file; its name in `?name=`. It is kept under `_assets/` by its hash. */
  createAsset: {
    method: 'POST',
    path: '/api/projects/:id/assets',
    query: z.strictObject({ name: z.optional(NameSchema) }),
    rawBody: true,
    status: 201,
    answer: AssetSchema,
  },
  /** A file of the project that documents refer to (pictures, data), never as a page that could run. */
  projectFile: { method: 'GET', path: '/api/projects/:id/files/*', status: 200 },
  ensureSession: {
    method: 'POST',
    path: '/api/sessions/ensure',
    body: z.strictObject({
      projectId: ProjectIdSchema,
      language: LanguageNameSchema,
      documentId: z.optional(DocumentIdSchema),
      runOn: z.optional(RunOnSchema),
    }),
    status: 200,
    answer: RuntimeSessionSchema,
  },
  sessions: {
    method: 'GET',
    path: '/api/sessions',
    status: 200,
    answer: z.object({
      /** Of all connected devices. */
      sessions: z.array(SessionHereSchema),
      /** Connected, and did not say in time what sessions they have. */
      silentDevices: z.optional(z.array(z.strictObject({ deviceId: DeviceIdSchema, name: NameSchema }))),
    }),
  },
  /** Ends the interpreter and starts it anew: same session, no variables. Its run, if any, ends. */
  restartSession: { method: 'POST', path: '/api/sessions/:id/restart', status: 200, answer: RuntimeSessionSchema },
  migrateSession: {
    method: 'POST',
    path: '/api/sessions/:id/migrate',
    body: z.strictObject({
      target: MigrationTargetSchema,
      /** For its runs to end; without it, one that is busy stays. */
      wait: z.optional(z.boolean()),
      /** In the place of a session of this name there that has values of its own. */
      replace: z.optional(z.boolean()),
    }),
    status: 200,
    /** The one there. */
    answer: z.extend(RuntimeSessionSchema, {
      /** Names whose values it has. */
      kept: CountSchema,
      /** The first of those that could not be carried, each with why. */
      lost: z.array(z.string()),
      lostCount: CountSchema,
    }),
  },
  interruptSession: { method: 'POST', path: '/api/sessions/:id/interrupt', status: 200, answer: RuntimeSessionSchema },
  deleteSession: { method: 'DELETE', path: '/api/sessions/:id', status: 204 },
  submitRun: { method: 'POST', path: '/api/runs', body: RunRequestSchema, status: 202, answer: RunSchema },
  runs: {
    method: 'GET',
    path: '/api/runs',
    query: z.strictObject({
      projectId: z.optional(ProjectIdSchema),
      state: z.optional(RunStateSchema),
      limit: z.optional(countText),
      before: z.optional(RunIdSchema),
    }),
    status: 200,
    answer: z.object({ runs: z.array(RunSchema) }),
  },
  run: { method: 'GET', path: '/api/runs/:id', status: 200, answer: RunSchema },
  /** Answers once the output of a run that is over is in its document, and in the file of that on the device asked. */
  runOutput: {
    method: 'GET',
    path: '/api/runs/:id/output',
    status: 200,
    answer: z.object({ docVersion: z.optional(DocVersionSchema) }),
  },
  cancelRun: { method: 'POST', path: '/api/runs/:id/cancel', status: 200, answer: RunSchema },
  answerRun: {
    method: 'POST',
    path: '/api/runs/:id/input',
    body: z.strictObject({ text: z.string().check(z.maxLength(LIMITS.eventBytesMax)) }),
    status: 200,
    answer: RunSchema,
  },
  ...PLACEMENT_ROUTES,
  ...DEVICE_ROUTES,
  ...RECORD_ROUTES,
  ...CLOUD_ROUTES,
  ...ACCOUNT_ROUTES,
  ...COPY_ROUTES,
  ...PUBLICATION_ROUTES,
  ...SHARE_ROUTES,
  ...GUEST_ROUTES,
  ...PEER_ROUTES,
  ...TICKET_ROUTES,
  heartbeat: { method: 'POST', path: '/api/devices/heartbeat', body: NodeCapabilitySchema, status: 204 },
  ...MRP_ROUTES,
} as const satisfies Record<string, Route>;

export type RouteName = keyof typeof ROUTES;
