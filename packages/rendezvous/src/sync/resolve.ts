/** Where a WebSocket address of the rendezvous leads. */
import {
  authorize,
  Failure,
  isGuest,
  requireSocket,
  SOCKET_ROUTES,
  type DocumentId,
  type Guest,
  type PlainAgent,
} from '@markco/protocol';
import { requirePathLength, syncAddressOf } from '@markco/replica/listen/sync-address';
import type { Subject } from '@markco/replica/listen/guard';
import { AGENTS_CLOSED } from '../agents/agents.ts';
import type { Kept } from '../documents/kept.ts';

export type SocketTarget =
  | { readonly kind: 'link' }
  | { readonly kind: 'stream' }
  | { readonly kind: 'signal' }
  | { readonly kind: 'guest'; readonly guest: Guest }
  | { readonly kind: 'agents' }
  | { readonly kind: 'sync'; readonly documentId: DocumentId; readonly readOnly: boolean };

export function createResolve(
  kept: Pick<Kept, 'of'>,
  letsAgentsIn: boolean,
  onRefused: (code: string, agent: PlainAgent) => void,
): (url: URL, subject: Subject) => SocketTarget {
  return (url, subject) => {
    const { userId } = subject;
    // It takes runs, and sees nothing else of what is here.
    const isForAgents = url.pathname === SOCKET_ROUTES.agents;
    if (subject.role === 'agent' && (!isForAgents || !letsAgentsIn))
      onRefused(isForAgents ? 'not_found' : 'forbidden', subject);
    if (subject.role === 'agent' && !isForAgents)
      throw new Failure('forbidden', 'A plain agent takes runs, and may do nothing else.');
    if (isForAgents && !letsAgentsIn) throw new Failure('not_found', AGENTS_CLOSED);
    for (const kind of ['link', 'stream', 'signal', 'agents'] as const) {
      if (url.pathname !== SOCKET_ROUTES[kind]) continue;
      requireSocket(kind, subject, { owner: userId });
      return { kind };
    }
    if (url.pathname === SOCKET_ROUTES.guest) {
      requireSocket('guest', subject, { owner: userId });
      if (isGuest(subject)) return { kind: 'guest', guest: subject };
    }
    const address = syncAddressOf(url);
    const mine = kept.of(userId);
    const project = address.userId === userId ? mine.bySlug(address.project) : undefined;
    if (project === undefined) throw new Failure('not_found', 'There is no such project here.');
    requirePathLength(address);
    // A guest begins no document: there is one of this name, or nothing.
    const found = isGuest(subject) ? mine.find(project.id, address.docPath) : undefined;
    if (isGuest(subject) && found === undefined) throw new Failure('not_found', 'There is no such project here.');
    const document = { owner: userId, projectId: project.id, ...(found === undefined ? {} : { documentId: found }) };
    requireSocket('sync', subject, document);
    const mayWrite = authorize(subject, 'write', { ...document, kind: 'document' }) === 'allowed';
    return {
      kind: 'sync',
      documentId: found ?? mine.resolve(project.id, address.docPath),
      readOnly: address.readOnly || !mayWrite,
    };
  };
}
