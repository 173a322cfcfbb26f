/**
 * What the mesh record says, read: the border where what other devices wrote becomes facts.
 *
 * 1. A row that is not of the form is passed over, alone: the others stand. So does a field that is not known.
 * 2. At most so many rows of each table count, the oldest ids first.
 * 3. Only devices of the user count. Who they are is in their signed log, never here.
 */
import { ImmutableString } from '@automerge/automerge';
import {
  AttachmentStateSchema,
  DeviceIdSchema,
  DevicePolicySchema,
  LanguageSchema,
  LIMITS,
  ProjectIdSchema,
  ProjectSchema,
  SessionIdSchema,
  type AttachmentState,
  type DeviceId,
  type DevicePolicy,
  type Project,
  type ProjectId,
  type SessionId,
  type UserId,
} from '@markco/protocol';
import * as z from 'zod/mini';
import type { RawRecord, TableName } from './beginning.ts';

const text = (max: number) => z.string().check(z.maxLength(max));
const DeviceRowSchema = z.object({
  name: z.string().check(z.minLength(1), z.maxLength(LIMITS.nameCharsMax)),
  kind: z.enum(['desktop', 'phone', 'web', 'server-agent']),
  os: z.optional(text(100)),
  version: z.optional(text(50)),
  opensAll: z.optional(z.boolean()),
  ...DevicePolicySchema.shape,
});
const ProjectRowSchema = z.object({
  displayName: ProjectSchema.shape.displayName,
  slug: ProjectSchema.shape.slug,
  source: ProjectSchema.shape.source,
  createdAt: ProjectSchema.shape.createdAt,
  updatedAt: ProjectSchema.shape.updatedAt,
});

export type RecordedDevice = {
  readonly name: string;
  readonly kind: 'desktop' | 'phone' | 'web' | 'server-agent';
  readonly os?: string;
  readonly version?: string;
  readonly policy: DevicePolicy;
  /** It opens every project of the user by itself. */
  readonly opensAll: boolean;
};
export type RecordedSession = { readonly language: string; readonly projectId: ProjectId };

export type RecordView = {
  readonly devices: ReadonlyMap<DeviceId, RecordedDevice>;
  readonly projects: ReadonlyMap<ProjectId, Project>;
  /** Of each device, the projects that it has or had. */
  readonly attachments: ReadonlyMap<DeviceId, ReadonlyMap<ProjectId, AttachmentState>>;
  /** Of each device, the interpreters that are running. */
  readonly sessions: ReadonlyMap<DeviceId, ReadonlyMap<SessionId, RecordedSession>>;
};

export type ViewParts = {
  readonly userId: UserId;
  readonly isMember: (device: DeviceId) => boolean;
  readonly onPassedOver: (what: string) => void;
};

/** Text that was set whole; text that somebody wrote letter by letter is text as well. */
export const plain = (value: unknown): unknown => (value instanceof ImmutableString ? value.val : value);

export function readRecord(raw: RawRecord, { userId, isMember, onPassedOver }: ViewParts): RecordView {
  const inOrder = (table: TableName): [string, Record<string, unknown>][] =>
    Object.entries(objectOf(raw[table]))
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([id, row]) => [id, objectOf(row)]);
  const ofMembers = (table: TableName): [DeviceId, Record<string, unknown>][] =>
    inOrder(table)
      .flatMap(([id, row]): [DeviceId, Record<string, unknown>][] => {
        const device = DeviceIdSchema.safeParse(id);
        return device.success && isMember(device.data) ? [[device.data, row]] : [];
      })
      .slice(0, LIMITS.devicesMax);

  const devices = new Map<DeviceId, RecordedDevice>();
  for (const [id, row] of ofMembers('devices')) {
    const parsed = DeviceRowSchema.safeParse(plainRow(row));
    if (!parsed.success) onPassedOver(`devices/${id}`);
    else {
      const { name, kind, os, version, opensAll, ...policy } = parsed.data;
      const about = { ...(os === undefined ? {} : { os }), ...(version === undefined ? {} : { version }) };
      devices.set(id, { name, kind, ...about, policy, opensAll: opensAll === true });
    }
  }

  const projects = new Map<ProjectId, Project>();
  const allProjects = inOrder('projects');
  if (allProjects.length > PROJECTS_MAX) onPassedOver(`more than ${PROJECTS_MAX} projects`);
  for (const [id, row] of allProjects.slice(0, PROJECTS_MAX)) {
    const projectId = ProjectIdSchema.safeParse(id);
    const parsed = ProjectRowSchema.safeParse(plainRow(row));
    if (!projectId.success || !parsed.success) onPassedOver(`projects/${id.slice(0, ID_CHARS)}`);
    else projects.set(projectId.data, { id: projectId.data, userId, ...ALWAYS, ...parsed.data });
  }

  const attachments = new Map<DeviceId, Map<ProjectId, AttachmentState>>();
  for (const [id, row] of ofMembers('attachments')) {
    const its = new Map<ProjectId, AttachmentState>();
    for (const [project, value] of Object.entries(row).slice(0, PROJECTS_MAX)) {
      const state = AttachmentStateSchema.safeParse(plain(value));
      if (state.success && projects.has(project as ProjectId)) its.set(project as ProjectId, state.data);
      else onPassedOver(`attachments/${id}`);
    }
    attachments.set(id, its);
  }

  const sessions = new Map<DeviceId, Map<SessionId, RecordedSession>>();
  for (const [id, row] of ofMembers('sessions')) {
    const its = new Map<SessionId, RecordedSession>();
    for (const [session, value] of Object.entries(row).slice(0, LIMITS.sessionsMax)) {
      const [language, projectId] = String(plain(value)).split(' ');
      const parsed = SessionRowSchema.safeParse({ session, language, projectId });
      if (parsed.success) its.set(parsed.data.session, parsed.data);
      else onPassedOver(`sessions/${id}`);
    }
    sessions.set(id, its);
  }
  return { devices, projects, attachments, sessions };
}

const SessionRowSchema = z.object({ session: SessionIdSchema, language: LanguageSchema, projectId: ProjectIdSchema });
export const sessionRow = ({ language, projectId }: RecordedSession): string => `${language} ${projectId}`;

/** What every project has: see `ProjectSchema`. */
const ALWAYS = { configPath: 'mrmd.md', syncMode: 'active', visibility: 'private' } as const;
/** Projects of one user that are known; further ones are passed over. */
export const PROJECTS_MAX = 1_000;
const ID_CHARS = 36;

const objectOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
const plainRow = (row: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(row).map(([field, value]) => [field, plain(value)]));
