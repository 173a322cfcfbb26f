/**
 * Whether somebody may do something. Decided here and nowhere else: by a device and by the rendezvous, for HTTP, for
 * WebSockets and for what devices say to each other.
 *
 * 1. What no line below allows is refused.
 * 2. Somebody else's thing is `not_found`, as one that was never there.
 * 3. A link lets nobody run code, and leads to nothing but what it was made for.
 */
import { Failure } from '../failure.ts';
import type { DeviceId, DocumentId, ProjectId, UserId } from '../id.ts';
import type { DeviceCap } from '../identity/caps.ts';

/** Of a link, each with all of the one before it. */
export const LINK_ROLES = ['view', 'suggest', 'edit'] as const;
export type LinkRole = (typeof LINK_ROLES)[number];

/** A person, with what they came with. */
export type Person = {
  readonly role: 'owner';
  readonly userId: UserId;
  /** Decides who else may have an account here. Of a device: its owner. */
  readonly operates: boolean;
  /** Whether it may bring in devices and new ways to sign in: not on a public computer. */
  readonly enrols: boolean;
  /** The account, and what was signed in with, where there are several. */
  readonly account?: string;
  readonly session?: string;
  /** The device that came with a token of its own. */
  readonly device?: string;
};

/** Whoever has a link to a project or a document of `userId`. */
export type Guest = {
  readonly role: LinkRole;
  readonly userId: UserId;
  readonly projectId: ProjectId;
  readonly documentId?: DocumentId;
  /** Of `suggest`: the copy of that document which it writes in. */
  readonly copyId?: DocumentId;
  /** The link that it came by, and the session that it has by it. */
  readonly share?: string;
  readonly session?: string;
};

/** Another device of the user, by its certificate. */
export type Peer = { readonly role: 'device'; readonly userId: UserId; readonly caps: readonly DeviceCap[] };

/** A program that takes runs from a cloud, and may do nothing else: `agent` is its id among the devices. */
export type PlainAgent = {
  readonly role: 'agent';
  readonly userId: UserId;
  readonly account: string;
  readonly agent: DeviceId;
};

/** Who asks; nobody who is known is `null`. */
export type Subject = Person | Guest | Peer | PlainAgent;

/**
 * `door`: what is said to anybody, sign-in itself above all. `pairing`: the code that a device shows. `account`: who
 * the person is, sessions and passkeys. `cloud`: who may have an account. `device`: the machine that answers.
 * `workspace`: lists over all that is the person's. `file`: one that documents name; of a link to one document, those that
 * it names. `share`: the links of the person, and for a guest its own. `mesh`: what devices of one person say to each other.
 */
export const RESOURCE_KINDS = [
  'door',
  'pairing',
  'account',
  'cloud',
  'device',
  'workspace',
  'project',
  'document',
  'file',
  'share',
  'session',
  'run',
  'mesh',
] as const;
export type ResourceKind = (typeof RESOURCE_KINDS)[number];

/** `enrol`: bring in a device, or a new way to sign in. `run`: start code, stop it, answer it. `sync`: have documents. `host`: take what others run. */
export const OPERATIONS = ['read', 'suggest', 'write', 'manage', 'run', 'enrol', 'sync', 'host'] as const;
export type Operation = (typeof OPERATIONS)[number];

export type Resource = {
  readonly kind: ResourceKind;
  /** Null: there is no such thing. */
  readonly owner: UserId | null;
  readonly projectId?: string;
  readonly documentId?: string;
  /** Of a pairing: a code is being shown. */
  readonly isOpen?: boolean;
};

export type Verdict = 'allowed' | 'unauthorized' | 'forbidden' | 'not_found';

type Rules = Partial<Readonly<Record<ResourceKind, readonly Operation[]>>>;

const VIEW: Rules = { project: ['read'], document: ['read'], file: ['read'], share: ['read'] };
const RULES: Readonly<Record<'owner' | LinkRole, Rules>> = {
  owner: {
    account: ['read', 'manage', 'enrol'],
    cloud: ['read', 'manage', 'enrol'],
    device: ['read', 'manage', 'enrol'],
    workspace: ['read', 'write', 'sync'],
    project: ['read', 'write', 'manage'],
    document: ['read', 'suggest', 'write'],
    file: ['read'],
    share: ['manage'],
    session: ['read', 'run'],
    run: ['read', 'run'],
  },
  view: VIEW,
  suggest: { ...VIEW, document: ['read', 'suggest'] },
  edit: { ...VIEW, document: ['read', 'suggest', 'write'] },
};

export function authorize(subject: Subject | null, operation: Operation, resource: Resource): Verdict {
  const { kind } = resource;
  if (kind === 'door') return operation === 'read' ? 'allowed' : 'forbidden';
  if (kind === 'pairing' && operation === 'enrol') return resource.isOpen === true ? 'allowed' : 'forbidden';
  if (subject === null) return 'unauthorized';
  if (!isWithin(subject, resource)) return 'not_found';
  const isOwnCopy = isGuest(subject) && kind === 'document' && isCopy(subject, resource.documentId);
  return may(isOwnCopy ? { ...subject, role: 'edit' } : subject, operation, kind) ? 'allowed' : 'forbidden';
}

/** What one resource of another is: whose, and for a link also which. */
function isWithin(subject: Subject, { kind, owner, projectId, documentId }: Resource): boolean {
  if (owner === null || owner !== subject.userId) return false;
  if (subject.role === 'owner' || subject.role === 'device' || subject.role === 'agent') return true;
  if (kind === 'share') return true;
  if (projectId !== subject.projectId) return false;
  if (subject.documentId === undefined || kind === 'file') return true;
  return kind === 'document' && (documentId === subject.documentId || isCopy(subject, documentId));
}

const isCopy = ({ role, copyId }: Guest, documentId: string | undefined): boolean =>
  role === 'suggest' && copyId !== undefined && documentId === copyId;

function may(subject: Subject, operation: Operation, kind: ResourceKind): boolean {
  if (subject.role === 'device') return mayDevice(subject.caps, operation, kind);
  if (subject.role === 'agent') return kind === 'run' && operation === 'host';
  if (RULES[subject.role][kind]?.includes(operation) !== true) return false;
  if (subject.role !== 'owner') return true;
  if (kind === 'cloud' && !subject.operates) return false;
  return operation !== 'enrol' || subject.enrols;
}

function mayDevice(caps: readonly DeviceCap[], operation: Operation, kind: ResourceKind): boolean {
  if (kind === 'mesh') return operation === 'read' || (operation === 'sync' && caps.includes('sync'));
  // What sessions and runs there are is for every device of the user; to do something with them is not.
  if (kind === 'session' || kind === 'run')
    return operation === 'read' || (operation === 'run' && caps.includes('submit'));
  return false;
}

export const isGuest = (subject: Subject | null): subject is Guest =>
  subject !== null && subject.role !== 'owner' && subject.role !== 'device' && subject.role !== 'agent';

/** @throws Failure whose words are the same for what is not there and for what is somebody else's */
export function requireAllowed(subject: Subject | null, operation: Operation, resource: Resource): void {
  const verdict = authorize(subject, operation, resource);
  if (verdict === 'allowed') return;
  if (verdict === 'unauthorized') throw new Failure('unauthorized', 'Sign in first.');
  if (verdict === 'not_found') throw new Failure('not_found', `There is no such ${NAMES[resource.kind]} here.`);
  throw new Failure(
    'forbidden',
    subject?.role === 'owner' && !subject.enrols && operation === 'enrol'
      ? 'You are signed in on a public computer, where this is not offered. Sign in on one of your own.'
      : 'You may not do this here. Ask whose it is.',
  );
}

const NAMES: Readonly<Record<ResourceKind, string>> = {
  door: 'thing',
  pairing: 'code',
  account: 'account',
  cloud: 'thing',
  device: 'device',
  workspace: 'person',
  project: 'project',
  document: 'project',
  file: 'project',
  share: 'link',
  session: 'session',
  run: 'run',
  mesh: 'device',
};
