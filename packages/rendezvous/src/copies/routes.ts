/** Copies of files over HTTP: what devices bring, and what the page shows. */
import { Failure, isGuest, LIMITS, type DocumentId } from '@markco/protocol';
import { Sha256Schema } from '@markco/protocol/entity/scalar';
import type { Subject } from '@markco/replica/listen/guard';
import type { SomeHandlers } from '@markco/replica/listen/handlers';
import { readCapped } from '@markco/replica/listen/http';
import { fileHeaders } from '@markco/replica/projects/file-headers';
import type { KeptOf } from '../documents/kept.ts';
import type { Copies } from './copies.ts';

export function copyRoutes({
  of,
  copies,
  namedBy,
}: {
  readonly of: (subject: Subject | null) => Pick<KeptOf, 'project'>;
  readonly copies: Copies;
  /** The files that a document names. */
  readonly namedBy: (id: DocumentId) => Promise<readonly string[]>;
}): SomeHandlers<'offerCopies' | 'putCopy' | 'projectFile'> {
  return {
    async offerCopies({ subject, params, body }) {
      const { id } = of(subject).project(params['id'] ?? '');
      return { wanted: await copies.offer(id, body.files) };
    },
    async putCopy({ subject, params, query, request }) {
      const { id } = of(subject).project(params['id'] ?? '');
      const hash = Sha256Schema.safeParse(params['contentHash']);
      if (!hash.success) throw new Failure('bad_request', 'The last part of the address is the sha-256 of the bytes.');
      await copies.put(id, query.path, hash.data, await readCapped(request, LIMITS.copyBytesMax));
      return undefined;
    },
    async projectFile({ subject, params, request }) {
      const { id } = of(subject).project(params['id'] ?? '');
      const path = decode(new URL(request.url).pathname.slice(`/api/projects/${id}/files/`.length));
      const only = isGuest(subject) ? subject.documentId : undefined;
      const isNamed = only === undefined || (await namedBy(only)).includes(path);
      const found = isNamed ? await copies.read(id, path) : undefined;
      if (found === undefined)
        throw new Failure(
          'not_found',
          'This cloud has no copy of this file. It is on the devices that have the project.',
        );
      const headers = fileHeaders(path, found.sizeBytes);
      headers.set('etag', `"${found.contentHash}"`);
      if (request.headers.get('if-none-match') === headers.get('etag'))
        return new Response(null, { status: 304, headers: { etag: headers.get('etag') ?? '' } });
      return new Response(new Uint8Array(found.bytes), { headers });
    },
  };
}

function decode(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return '';
  }
}
