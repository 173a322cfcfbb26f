/** Who may do what: the whole matrix, made from the tables of routes and sockets. */
import { expect, test } from 'vitest';
import { ROUTES, type Route, type RouteName } from '../api/routes.ts';
import { SOCKET_ROUTES, type SocketRouteName } from '../api/socket-routes.ts';
import { newId, type DeviceId, type DocumentId, type ProjectId, type UserId } from '../id.ts';
import { DEVICE_CAPS } from '../identity/caps.ts';
import { requireRoute, ROUTE_ACCESS, SOCKET_ACCESS } from './access.ts';
import {
  authorize,
  LINK_ROLES,
  OPERATIONS,
  RESOURCE_KINDS,
  type Guest,
  type LinkRole,
  type Operation,
  type Person,
  type Resource,
  type ResourceKind,
  type Subject,
  type Verdict,
} from './authorize.ts';

let count = 0;
const ids = { now: () => 1_000, randomBytes: (length: number) => new Uint8Array(length).fill(++count) };
const [ada, bob] = [newId<UserId>(ids), newId<UserId>(ids)];
const [project, otherProject] = [newId<ProjectId>(ids), newId<ProjectId>(ids)];
const [page, otherPage] = [newId<DocumentId>(ids), newId<DocumentId>(ids)];

const person: Person = { role: 'owner', userId: ada, operates: false, enrols: true };
const guest = (role: LinkRole): Guest => ({ role, userId: ada, projectId: project });
const SUBJECTS: Readonly<Record<string, Subject | null>> = {
  nobody: null,
  operator: { ...person, operates: true },
  person,
  'public computer': { ...person, enrols: false },
  ...Object.fromEntries(LINK_ROLES.map((role) => [role, guest(role)])),
  'device that may all': { role: 'device', userId: ada, caps: DEVICE_CAPS },
  'device that may nothing': { role: 'device', userId: ada, caps: [] },
  'plain agent': { role: 'agent', userId: ada, account: 'a', agent: newId<DeviceId>(ids) },
};
const hers = (kind: ResourceKind): Resource => ({ kind, owner: ada, projectId: project, documentId: page });

/** Written by hand, apart from the code: what each may do with what is hers, all others not. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  nobody: [],
  person: [
    ...['account read', 'account manage', 'account enrol', 'device read', 'device manage', 'device enrol'],
    ...['workspace read', 'workspace write', 'workspace sync', 'project read', 'project write', 'project manage'],
    ...['document read', 'document suggest', 'document write', 'session read', 'session run', 'run read', 'run run'],
    ...['file read', 'share manage'],
  ],
  view: ['project read', 'document read', 'file read', 'share read'],
  suggest: ['project read', 'document read', 'document suggest', 'file read', 'share read'],
  edit: ['project read', 'document read', 'document suggest', 'document write', 'file read', 'share read'],
  'device that may all': ['mesh read', 'mesh sync', 'session read', 'session run', 'run read', 'run run'],
  'device that may nothing': ['mesh read', 'session read', 'run read'],
  'plain agent': ['run host'],
};
const allowedTo = (name: string): readonly string[] => {
  const own = ALLOWED['person'] ?? [];
  if (name === 'operator') return [...own, 'cloud read', 'cloud manage', 'cloud enrol'];
  if (name === 'public computer') return own.filter((each) => !each.endsWith('enrol'));
  return ALLOWED[name] ?? expect.unreachable(name);
};

test('T2 every role, operation and kind of thing: what is not allowed by hand is refused', () => {
  const verdicts = new Map<Verdict, number>();
  for (const [name, subject] of Object.entries(SUBJECTS)) {
    const allowed = allowedTo(name);
    for (const kind of RESOURCE_KINDS) {
      for (const operation of OPERATIONS) {
        const verdict = authorize(subject, operation, hers(kind));
        verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
        const isOpen = kind === 'door' && operation === 'read';
        const isAllowed = isOpen || allowed.includes(`${kind} ${operation}`);
        expect([name, operation, kind, verdict === 'allowed']).toEqual([name, operation, kind, isAllowed]);
      }
    }
  }
  expect([...verdicts.keys()].toSorted()).toEqual(['allowed', 'forbidden', 'unauthorized']);
});

test('T15 what is somebody else’s, and what is not there, is not found: by anybody, by any route', () => {
  const closed = RESOURCE_KINDS.filter((kind) => kind !== 'door' && kind !== 'pairing');
  for (const subject of Object.values(SUBJECTS))
    for (const kind of closed)
      for (const operation of OPERATIONS)
        for (const owner of [bob, null])
          expect(authorize(subject, operation, { ...hers(kind), owner })).toBe(
            subject === null ? 'unauthorized' : 'not_found',
          );
});

test('a link leads to its project, or to its document, and nowhere else', () => {
  const toPage: Guest = { ...guest('edit'), documentId: page };
  const at = (subject: Guest, resource: Partial<Resource>): Verdict =>
    authorize(subject, 'read', { ...hers('document'), ...resource });
  expect(at(guest('edit'), { documentId: otherPage })).toBe('allowed');
  expect(at(guest('edit'), { projectId: otherProject })).toBe('not_found');
  expect(at(toPage, {})).toBe('allowed');
  expect(at(toPage, { documentId: otherPage })).toBe('not_found');
  expect(authorize(toPage, 'read', hers('project'))).toBe('not_found');
  expect(authorize(toPage, 'read', { ...hers('file'), projectId: otherProject })).toBe('not_found');
  for (const role of LINK_ROLES)
    for (const kind of ['session', 'run', 'document', 'project'] as const)
      expect(authorize(guest(role), 'run', hers(kind))).toBe('forbidden');
});

test('who suggests writes in the copy that is theirs, and in nothing else', () => {
  const suggests: Guest = { ...guest('suggest'), documentId: page, copyId: otherPage };
  const at = (subject: Guest, operation: Operation, documentId: DocumentId): Verdict =>
    authorize(subject, operation, { ...hers('document'), documentId });
  expect([at(suggests, 'read', page), at(suggests, 'write', page)]).toEqual(['allowed', 'forbidden']);
  expect([at(suggests, 'read', otherPage), at(suggests, 'write', otherPage)]).toEqual(['allowed', 'allowed']);
  expect(at(suggests, 'run', otherPage)).toBe('forbidden');
  expect(at(suggests, 'write', newId<DocumentId>(ids))).toBe('not_found');
  expect(authorize(suggests, 'write', { ...hers('document'), documentId: otherPage, owner: bob })).toBe('not_found');
  expect(authorize(suggests, 'write', { ...hers('document'), documentId: otherPage, projectId: otherProject })).toBe(
    'not_found',
  );
  // One who reads has no copy, whatever is said.
  expect(at({ ...suggests, role: 'view' }, 'write', otherPage)).toBe('not_found');
});

test('a code is for anybody while it is shown', () => {
  for (const subject of Object.values(SUBJECTS)) {
    expect(authorize(subject, 'enrol', { kind: 'pairing', owner: null, isOpen: true })).toBe('allowed');
    expect(authorize(subject, 'enrol', { kind: 'pairing', owner: null })).toBe('forbidden');
  }
});

const unlisted = (names: readonly string[], listed: object): readonly string[] =>
  names.filter((name) => !Object.hasOwn(listed, name));

test('every route and every kind of WebSocket is listed, and one that is not is seen', () => {
  expect(unlisted([...Object.keys(ROUTES), 'sneaked'], ROUTE_ACCESS)).toEqual(['sneaked']);
  expect(unlisted([...Object.keys(SOCKET_ROUTES), 'sneaked'], SOCKET_ACCESS)).toEqual(['sneaked']);
  expect(unlisted(Object.keys(ROUTE_ACCESS), ROUTES)).toEqual([]);
  expect(unlisted(Object.keys(SOCKET_ACCESS), SOCKET_ROUTES)).toEqual([]);
});

test('T2 the matrix of all routes: what each subject gets of what is hers, and that a door is what is open', () => {
  const params = { id: project, documentId: page };
  const outcome = (name: RouteName, subject: Subject | null): string => {
    try {
      requireRoute(name, subject, params, () => ada);
      return 'allowed';
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  const names = Object.keys(ROUTES) as RouteName[];
  for (const name of names) {
    const route: Route = ROUTES[name];
    const [operation, kind]: readonly [Operation, ResourceKind] = ROUTE_ACCESS[name];
    expect([name, kind === 'door']).toEqual([name, route.open === true]);
    for (const [who, subject] of Object.entries(SUBJECTS)) {
      const isAllowed = kind === 'door' || allowedTo(who).includes(`${kind} ${operation}`);
      expect([name, who, outcome(name, subject) === 'allowed']).toEqual([name, who, isAllowed]);
    }
    // Nothing that starts code is a reader's.
    if (operation === 'run') expect(LINK_ROLES.map((role) => outcome(name, guest(role)))).not.toContain('allowed');
  }
  for (const name of Object.keys(SOCKET_ROUTES) as SocketRouteName[]) {
    const [operation, kind] = SOCKET_ACCESS[name];
    expect(authorize(null, operation, hers(kind))).toBe('unauthorized');
  }
  expect(names.length).toBeGreaterThan(70);
});
