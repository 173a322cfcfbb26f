/** `/sync/:userId/:project/:docPath`, the address of one document on one socket. */
import { Failure, LIMITS } from '@markco/protocol';

export type SyncAddress = {
  readonly userId: string;
  readonly project: string;
  readonly docPath: string;
  readonly readOnly: boolean;
};

/** @throws Failure `not_found` when it is no such address, `bad_request` when it cannot be read */
export function syncAddressOf(url: URL): SyncAddress {
  const [, userId, project, docPath] = /^\/sync\/([^/]+)\/([^/]+)\/(.+)$/.exec(url.pathname) ?? [];
  if (userId === undefined || project === undefined || docPath === undefined)
    throw new Failure('not_found', `There is no WebSocket ${url.pathname} here.`);
  const address = { userId, project: decode(project), docPath: decode(docPath) };
  return { ...address, readOnly: url.searchParams.get('mode') === 'read' };
}

/** Once it is known that there is such a project: nobody else is told what a path may be. */
export function requirePathLength({ docPath }: SyncAddress): void {
  if (Buffer.byteLength(docPath) > LIMITS.pathBytesMax)
    throw new Failure('bad_request', 'The path of a document is at most 1,024 bytes.');
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new Failure('bad_request', 'The address is not encoded as a URL.', { cause });
  }
}
