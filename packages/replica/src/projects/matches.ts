/** Where a pattern is in a text. Empty matches are none: there is nothing to show. */
export type Match = { readonly at: number; readonly length: number };

/** @param pattern with the flag `g` */
export function matchesOf(pattern: RegExp, text: string, max: number): Match[] {
  const matches: Match[] = [];
  pattern.lastIndex = 0;
  while (matches.length < max) {
    const match = pattern.exec(text);
    if (match === null) break;
    if (match[0] === '') pattern.lastIndex++;
    else matches.push({ at: match.index, length: match[0].length });
  }
  return matches;
}
