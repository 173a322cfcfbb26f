/** Where a WebSocket address leads: one document, one run, or everything of one client. */
import { Failure, LIMITS, UUID_PATTERN, type DocumentId } from '@markco/protocol';
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
  readonly userId: () => string;
}): (url: URL) => SocketTarget {
  return (url) => {
    if (url.pathname === '/api/stream') return { kind: 'stream' };

    const run = /^\/api\/runs\/([^/]+)\/events$/.exec(url.pathname)?.[1];
    if (run !== undefined) {
      const from = url.searchParams.get('fromSeq') ?? '0';
      if (!UUID_PATTERN.test(run)) throw new Failure('not_found', 'There is no such run here.');
      if (!/^\d{1,12}$/.test(from)) throw new Failure('bad_request', '`fromSeq` must be a whole number.');
      const live = url.searchParams.get('live') ?? '1';
      if (live !== '0' && live !== '1') throw new Failure('bad_request', '`live` must be 0 or 1.');
      return { kind: 'run-events', runId: run, fromSeq: Number(from), live: live === '1' };
    }

    const [, owner, slug, encoded] = /^\/sync\/([^/]+)\/([^/]+)\/(.+)$/.exec(url.pathname) ?? [];
    if (owner === undefined || slug === undefined || encoded === undefined)
      throw new Failure('not_found', `There is no WebSocket ${url.pathname} here.`);
    const docPath = decode(encoded);
    const project = owner === userId() ? projects.bySlug(decode(slug)) : undefined;
    if (project === undefined) throw new Failure('not_found', 'There is no such project here.');
    if (Buffer.byteLength(docPath) > LIMITS.pathBytesMax)
      throw new Failure('bad_request', 'The path of a document is at most 1,024 bytes.');
    return {
      kind: 'sync',
      documentId: projects.resolve(project.id, docPath),
      readOnly: url.searchParams.get('mode') === 'read',
    };
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new Failure('bad_request', 'The address is not encoded as a URL.', { cause });
  }
}
