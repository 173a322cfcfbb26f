/**
 * Which Docker Engine will do: one whose API is understood, and whose `runc` lets nobody out of a container by a hole
 * that is known and mended.
 */
import { Failure } from '@markco/protocol';
import * as z from 'zod/mini';

const word = z.string().check(z.maxLength(200));

export const VersionSchema = z.object({
  Version: word,
  ApiVersion: word,
  MinAPIVersion: word,
  Components: z.optional(z.array(z.object({ Name: word, Version: word })).check(z.maxLength(50))),
});
export type EngineVersion = z.infer<typeof VersionSchema>;

/** What is asked here is the same in all of these. */
const API = { oldest: [1, 41], newest: [1, 51] } as const;

/**
 * The oldest `runc` of each line without CVE-2024-21626, CVE-2025-31133, CVE-2025-52565 and CVE-2025-52881, by which
 * code leaves its container. What a distribution has mended under an older number cannot be told from what it has not.
 */
const RUNC_MENDED = [
  [1, 2, 8],
  [1, 3, 3],
  [1, 4, 0],
] as const;

type Numbers = readonly number[];

const numbersOf = (version: string): Numbers => (/^\d+(\.\d+)*/.exec(version)?.[0] ?? '0').split('.').map(Number);

function compare(a: Numbers, b: Numbers): number {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The newest API that both sides understand. `unsupported` when there is none. */
export function apiVersionFor({ Version, ApiVersion, MinAPIVersion }: EngineVersion): string {
  const [theirs, least] = [numbersOf(ApiVersion), numbersOf(MinAPIVersion)];
  if (compare(theirs, API.oldest) < 0)
    throw new Failure('unsupported', `Docker ${Version} is too old. Update it to 20.10 or newer.`);
  if (compare(least, API.newest) > 0)
    throw new Failure('unsupported', `Docker ${Version} is newer than this version of MarkCo knows. Update MarkCo.`);
  return (compare(theirs, API.newest) < 0 ? theirs : API.newest).join('.');
}

/** Why this engine should not run code of others, as a sentence; null when nothing is known against it. */
export function holeIn({ Components = [] }: EngineVersion): string | null {
  const runc = Components.find(({ Name }) => Name === 'runc')?.Version;
  if (runc === undefined) return 'Docker does not say which runc it uses, so nobody knows whether code can leave it.';
  const has = numbersOf(runc);
  const line = RUNC_MENDED.find(([major, minor]) => has[0] === major && has[1] === minor);
  const newest = RUNC_MENDED.at(-1) ?? [];
  const isMended = line === undefined ? compare(has, newest) > 0 : compare(has, line) >= 0;
  if (isMended) return null;
  const wanted = (line ?? RUNC_MENDED[0]).join('.');
  return `Docker uses runc ${runc}, from which code can leave its container (CVE-2025-31133 and others). Update runc to ${wanted} or newer.`;
}
