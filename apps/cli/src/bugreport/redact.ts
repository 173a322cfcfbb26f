/**
 * Takes out of a report what says who somebody is, where, or what they work on. The same thing gets the same stand-in
 * everywhere, so that a report can still be followed: `device-1` is `device-1` on every line.
 */
export type Redact = (value: unknown) => unknown;

export type RedactParts = {
  /** What people called things: each is replaced wherever it stands. */
  readonly names: readonly { readonly kind: string; readonly name: string }[];
  /** Folders that are told as `~`. */
  readonly homes: readonly string[];
};

/** Names as short as these stand in too many other words. */
const NAME_CHARS_MIN = 2;

const PATTERNS: readonly (readonly [kind: string, pattern: RegExp])[] = [
  // Keys of devices as libp2p writes them.
  ['peer', /\b(12D3Koo[1-9A-HJ-NP-Za-km-z]{40,}|Qm[1-9A-HJ-NP-Za-km-z]{44})\b/g],
  ['id', /\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi],
  ['address', /\b(?!127\.0\.0\.1\b)(?!0\.0\.0\.0\b)\d{1,3}(\.\d{1,3}){3}\b/g],
  // Not a time of day: at least five groups, or a `::`.
  [
    'address',
    /(?<![\w:])(?!::1(?![\w:]))(?=[0-9a-f:]*::|(?:[0-9a-f]+:){4})(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{1,4}(?![\w:])/gi,
  ],
  ['mail', /[\w.+-]+@[\w-]+\.[\w.-]+/g],
  ['secret', /\b(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Za-z0-9_-]{32,}\b/g],
  // What is left of a path: where people keep things says what they are.
  ['path', /(?<![\w.~:/-])\/(?!api\/|mrp\/|ip4\/|ip6\/|dns)[^\s"':,;)]+/g],
];

export function createRedact({ names, homes }: RedactParts): Redact {
  const known = new Map<string, string>();
  const counts = new Map<string, number>();

  function standIn(kind: string, found: string): string {
    const key = `${kind} ${found.toLowerCase()}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const number = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, number);
    const made = `${kind}-${number}`;
    known.set(key, made);
    return made;
  }

  // The longest first: one may be a part of another.
  const called = names
    .filter(({ name }) => name.length >= NAME_CHARS_MIN)
    .toSorted((a, b) => b.name.length - a.name.length)
    .map(({ kind, name }) => [kind, new RegExp(`(?<![\\w-])${escape(name)}(?![\\w-])`, 'gi')] as const);
  const folders = homes
    .filter((home) => home.length > 1)
    .toSorted((a, b) => b.length - a.length)
    .map((home) => new RegExp(`${escape(home)}(?=[/\\\\\\s"']|$)[^\\s"':,;)]*`, 'g'));

  function text(said: string): string {
    let left = said;
    for (const folder of folders) left = left.replace(folder, (path) => `~/${standIn('path', path)}`);
    for (const [kind, pattern] of [...called, ...PATTERNS])
      left = left.replace(pattern, (found) => standIn(kind, found));
    return left;
  }

  return function redact(value: unknown): unknown {
    if (typeof value === 'string') return text(value);
    if (Array.isArray(value)) return value.map(redact);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [text(key), redact(each)]));
  };
}

function escape(name: string): string {
  return name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
