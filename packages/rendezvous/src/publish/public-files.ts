/**
 * The files that public pages name and readers may have: pictures, plots, data, the whole of a long output.
 *
 * What can be read as text is looked through as pages are, and is kept back by itself when there is a secret in it.
 */
import type { ProjectId } from '@markco/protocol';
import type { Copies, Copy } from '../copies/copies.ts';
import type { Publication } from './publications.ts';
import { findSecrets, type Finding } from './secrets.ts';

export type PublicFiles = {
  /** By their path in the project. */
  readonly files: ReadonlyMap<string, Copy>;
  readonly held: readonly { readonly path: string; readonly findings: readonly Finding[] }[];
};

/** Nothing in these can be read without a program that draws them. */
const DRAWN = /\.(?:png|jpe?g|gif|webp|avif|pdf)$/i;
/** Files whose findings are known; at it all are forgotten, and found anew when they are asked for. */
const KNOWN_MAX = 10_000;

export function createPublicFiles(copies: Pick<Copies, 'list' | 'read'>) {
  const known = new Map<string, readonly Finding[]>();

  async function findingsOf(id: ProjectId, path: string, { contentHash }: Copy): Promise<readonly Finding[]> {
    if (DRAWN.test(path)) return [];
    const key = `${id} ${contentHash} ${path}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const found = await copies.read(id, path);
    const findings = findSecrets(new TextDecoder().decode(found?.bytes), `${id} ${path}`);
    if (found?.contentHash !== contentHash) return findings;
    if (known.size >= KNOWN_MAX) known.clear();
    known.set(key, findings);
    return findings;
  }

  return async ({ projectId, allowed }: Publication, named: ReadonlySet<string>): Promise<PublicFiles> => {
    const files = new Map<string, Copy>();
    const held: { path: string; findings: readonly Finding[] }[] = [];
    for (const [path, copy] of await copies.list(projectId)) {
      if (!named.has(path)) continue;
      const findings = (await findingsOf(projectId, path, copy)).filter(({ id }) => !allowed.includes(id));
      if (findings.length === 0) files.set(path, copy);
      else held.push({ path, findings });
    }
    return { files, held };
  };
}
