/** Where a WebSocket address leads: one document, one run, or everything of one client. */
import { Failure, requireSocket, UUID_PATTERN, type DocumentId, type Subject, type UserId } from '@markco/protocol';
import { requirePathLength, syncAddressOf } from '@markco/replica/listen/sync-address';
import type { Projects } from '../projects/projects.ts';

export type SocketTarget =
  | { readonly kind: 'stream' }
  | { readonly kind: 'run-events'; readonly runId: string; readonly fromSeq: number; readonly live: boolean }
  | { readonly kind: 'sync'; readonly documentId: DocumentId; readonly readOnly: boolean };

export function createResolve({
  projects,
  userId,
}: {
  readonly projects: Projects;
  readonly userId: () => UserId;
}): (url: URL, subject: Subject) => SocketTarget {
  return (url, subject) => {
    if (url.pathname === '/api/stream') {
      requireSocket('stream', subject, { owner: userId() });
      return { kind: 'stream' };
    }

    const run = /^\/api\/runs\/([^/]+)\/events$/.exec(url.pathname)?.[1];
    if (run !== undefined) {
      const from = url.searchParams.get('fromSeq') ?? '0';
      requireSocket('runEvents', subject, { owner: userId() });
      if (!UUID_PATTERN.test(run)) throw new Failure('not_found', 'There is no such run here.');
      if (!/^\d{1,12}$/.test(from)) throw new Failure('bad_request', '`fromSeq` must be a whole number.');
      const live = url.searchParams.get('live') ?? '1';
      if (live !== '0' && live !== '1') throw new Failure('bad_request', '`live` must be 0 or 1.');
      return { kind: 'run-events', runId: run, fromSeq: Number(from), live: live === '1' };
    }

    const address = syncAddressOf(url);
    const project = address.userId === userId() ? projects.bySlug(address.project) : undefined;
    if (project === undefined) throw new Failure('not_found', 'There is no such project here.');
    requireSocket('sync', subject, { owner: userId(), projectId: project.id });
    requirePathLength(address);
    return {
      kind: 'sync',
      documentId: projects.resolve(project.id, address.docPath),
      readOnly: address.readOnly,
    };
  };
}
