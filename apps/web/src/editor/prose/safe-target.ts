/** What a document may open. Other schemes (`javascript:`, `data:`, `file:`) are not links. */
const SCHEME = /^([a-z][a-z0-9+.-]*):/i;
const SAFE_SCHEMES: ReadonlySet<string> = new Set(['http', 'https', 'mailto']);

/** The scheme in lower case as a browser would read it, or null for a path. */
function schemeOf(target: string): string | null {
  return SCHEME.exec(target.replace(/[\x00-\x20]/g, ''))?.[1]?.toLowerCase() ?? null;
}

export function isSafeTarget(target: string): boolean {
  const scheme = schemeOf(target);
  return scheme === null || SAFE_SCHEMES.has(scheme);
}

/** Whether it is a file of the project. A picture of another site would tell that site who reads. */
export function isOwnFile(target: string): boolean {
  return schemeOf(target) === null && !/^[\\/]{2}/.test(target.replace(/[\x00-\x20]/g, ''));
}
