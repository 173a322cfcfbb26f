/**
 * What it takes to use each route, and each kind of WebSocket: an operation on a kind of thing. `tsc` refuses a route
 * that is not listed, and so does a test.
 */
import type { RouteName } from '../api/routes.ts';
import type { SocketRouteName } from '../api/socket-routes.ts';
import type { UserId } from '../id.ts';
import { requireAllowed, type Operation, type Resource, type ResourceKind, type Subject } from './authorize.ts';

export type Access = readonly [operation: Operation, kind: ResourceKind];

const DOOR: Access = ['read', 'door'];
const READ_ACCOUNT: Access = ['read', 'account'];
const MANAGE_ACCOUNT: Access = ['manage', 'account'];
const ENROL_ACCOUNT: Access = ['enrol', 'account'];
const READ_WORKSPACE: Access = ['read', 'workspace'];
const READ_PROJECT: Access = ['read', 'project'];
const READ_DOCUMENT: Access = ['read', 'document'];
const WRITE_DOCUMENT: Access = ['write', 'document'];
const READ_DEVICE: Access = ['read', 'device'];
const MANAGE_DEVICE: Access = ['manage', 'device'];
const ENROL_DEVICE: Access = ['enrol', 'device'];
const READ_SESSION: Access = ['read', 'session'];
const RUN_SESSION: Access = ['run', 'session'];
const READ_RUN: Access = ['read', 'run'];
const RUN: Access = ['run', 'run'];

export const ROUTE_ACCESS = {
  health: DOOR,
  // Of everybody's here.
  stats: ['read', 'cloud'],
  metrics: ['read', 'cloud'],
  operator: ['read', 'cloud'],
  signIn: READ_ACCOUNT,
  signOut: READ_ACCOUNT,
  signInWays: DOOR,
  beginPasskeySignIn: DOOR,
  passkeySignIn: DOOR,
  beginRegistration: DOOR,
  register: DOOR,
  beginProviderSignIn: DOOR,
  providerSignIn: DOOR,
  requestDevice: DOOR,
  deviceRequestState: DOOR,
  deviceChallenge: DOOR,
  deviceToken: DOOR,
  account: READ_ACCOUNT,
  accountSessions: READ_ACCOUNT,
  endSessions: MANAGE_ACCOUNT,
  endSession: MANAGE_ACCOUNT,
  beginConfirm: MANAGE_ACCOUNT,
  confirm: MANAGE_ACCOUNT,
  accountContents: READ_ACCOUNT,
  // Not on a computer that is somebody else's.
  deleteAccount: ENROL_ACCOUNT,
  beginPasskey: ENROL_ACCOUNT,
  addPasskey: ENROL_ACCOUNT,
  removePasskey: ENROL_ACCOUNT,
  removeIdentity: ENROL_ACCOUNT,
  deviceRequest: ENROL_ACCOUNT,
  approveDeviceRequest: ENROL_ACCOUNT,
  declineDeviceRequest: ENROL_ACCOUNT,
  removeAccountDevice: ENROL_ACCOUNT,
  invites: ['manage', 'cloud'],
  invite: ['enrol', 'cloud'],
  withdrawInvite: ['manage', 'cloud'],
  cloudAccounts: ['manage', 'cloud'],
  handOverCloud: ['enrol', 'cloud'],
  agents: READ_ACCOUNT,
  // Who takes runs from here is for the person to say, on a computer of their own.
  addAgent: ENROL_ACCOUNT,
  removeAgent: ENROL_ACCOUNT,

  device: READ_DEVICE,
  devicePolicy: READ_DEVICE,
  setDevicePolicy: MANAGE_DEVICE,
  preferences: READ_DEVICE,
  setPreferences: MANAGE_DEVICE,
  renameDevice: MANAGE_DEVICE,
  changes: READ_DEVICE,
  folders: READ_DEVICE,
  heartbeat: MANAGE_DEVICE,
  cloud: READ_DEVICE,
  peerDoor: READ_WORKSPACE,
  joinCloud: MANAGE_DEVICE,
  leaveCloud: MANAGE_DEVICE,
  askCloud: MANAGE_DEVICE,
  cloudAsked: READ_DEVICE,
  giveUpCloud: MANAGE_DEVICE,
  settleCloud: MANAGE_DEVICE,

  devices: READ_DEVICE,
  removeDevice: ENROL_DEVICE,
  pingDevice: READ_DEVICE,
  traceDevice: READ_DEVICE,
  netcheck: READ_DEVICE,
  recoveryPhrase: ENROL_DEVICE,
  pairing: READ_DEVICE,
  offerPairing: ENROL_DEVICE,
  approvePairing: ENROL_DEVICE,
  declinePairing: ENROL_DEVICE,
  joinPairing: ENROL_DEVICE,
  // What it opens is authorized by itself, when it is asked for and when it is used.
  ticket: READ_WORKSPACE,
  projectsElsewhere: READ_WORKSPACE,
  attachProject: MANAGE_DEVICE,

  openLocal: MANAGE_DEVICE,
  registerLocal: ['write', 'workspace'],
  projects: READ_WORKSPACE,
  closeProject: ['manage', 'project'],
  documents: READ_PROJECT,
  documentsOfUser: READ_WORKSPACE,
  documentsOfUserProject: READ_WORKSPACE,
  createDocument: ['write', 'project'],
  document: READ_DOCUMENT,
  deleteDocument: ['write', 'project'],
  undeleteDocument: ['write', 'project'],
  moveDocument: ['write', 'project'],
  search: READ_PROJECT,
  // What was deleted is for those who could have deleted it.
  history: WRITE_DOCUMENT,
  historyAt: WRITE_DOCUMENT,
  historyRestore: WRITE_DOCUMENT,
  createAsset: ['write', 'project'],
  offerCopies: ['manage', 'project'],
  putCopy: ['manage', 'project'],
  publication: ['manage', 'project'],
  publish: ['manage', 'project'],
  unpublish: ['manage', 'project'],
  projectFile: ['read', 'file'],

  shares: ['manage', 'share'],
  share: ['manage', 'project'],
  revokeShare: ['manage', 'share'],
  suggestions: ['manage', 'project'],
  join: DOOR,
  joined: ['read', 'share'],

  ensureSession: RUN_SESSION,
  sessions: READ_SESSION,
  restartSession: RUN_SESSION,
  migrateSession: RUN_SESSION,
  interruptSession: RUN_SESSION,
  deleteSession: RUN_SESSION,
  submitRun: RUN,
  runs: READ_RUN,
  run: READ_RUN,
  runOutput: READ_RUN,
  cancelRun: RUN,
  answerRun: RUN,
  placement: READ_RUN,
  runDecision: READ_RUN,

  mrpCapabilities: READ_SESSION,
  mrpSessions: READ_SESSION,
  mrpCreateSession: RUN_SESSION,
  mrpSession: READ_SESSION,
  mrpDeleteSession: RUN_SESSION,
  mrpResetSession: RUN_SESSION,
  mrpExecute: RUN_SESSION,
  mrpExecuteStream: RUN_SESSION,
  mrpInput: RUN_SESSION,
  mrpInterrupt: RUN_SESSION,
  // Asked of a live interpreter, which may run code to answer.
  mrpComplete: RUN_SESSION,
  mrpInspect: RUN_SESSION,
  mrpHover: RUN_SESSION,
  mrpVariables: RUN_SESSION,
  mrpVariable: RUN_SESSION,
  mrpIsComplete: RUN_SESSION,
  mrpFormat: RUN_SESSION,
  mrpHistory: READ_SESSION,
  mrpRunAssets: READ_RUN,
  mrpAsset: READ_RUN,
} as const satisfies Record<RouteName, Access>;

export const SOCKET_ACCESS = {
  stream: READ_WORKSPACE,
  runEvents: READ_RUN,
  sync: READ_DOCUMENT,
  link: ['sync', 'workspace'],
  signal: READ_WORKSPACE,
  guest: ['read', 'share'],
  agents: ['host', 'run'],
} as const satisfies Record<SocketRouteName, Access>;

/** Whose a thing is that an address names; null when there is none. */
export type OwnerOf = (kind: ResourceKind, params: Readonly<Record<string, string>>) => UserId | null;

/** @throws Failure `unauthorized`, `forbidden` or `not_found` */
export function requireRoute(
  name: RouteName,
  subject: Subject | null,
  params: Readonly<Record<string, string>>,
  ownerOf: OwnerOf,
): void {
  const [operation, kind] = ROUTE_ACCESS[name];
  requireAllowed(subject, operation, resourceOf(kind, subject, params, ownerOf));
}

function resourceOf(
  kind: ResourceKind,
  subject: Subject | null,
  params: Readonly<Record<string, string>>,
  ownerOf: OwnerOf,
): Resource {
  const { userId, id, documentId } = params;
  // An address that names a person is about that person, whoever asks. What has an id and is no project,
  // document or file is looked for by its handler among what is the asker's.
  if (userId !== undefined) return { kind, owner: userId as UserId };
  if (kind !== 'project' && kind !== 'document' && kind !== 'file') return { kind, owner: subject?.userId ?? null };
  return {
    ...{ kind, owner: ownerOf(kind, params) },
    ...(id === undefined ? {} : { projectId: id }),
    ...(documentId === undefined ? {} : { documentId }),
  };
}

/** @throws Failure as `requireRoute` */
export function requireSocket(name: SocketRouteName, subject: Subject | null, of: Omit<Resource, 'kind'>): void {
  const [operation, kind] = SOCKET_ACCESS[name];
  requireAllowed(subject, operation, { ...of, kind });
}
