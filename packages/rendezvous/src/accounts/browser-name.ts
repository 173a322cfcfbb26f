/** What a person calls the browser that they are signed in with, from what it says of itself: a hint in a list, no more. */
const BROWSERS = [
  ['Firefox', /Firefox\//],
  ['Edge', /Edg\//],
  ['Opera', /OPR\//],
  ['Chrome', /Chrome\//],
  ['Safari', /Safari\//],
] as const;
const SYSTEMS = [
  ['Android', /Android/],
  ['iPhone', /iPhone/],
  ['iPad', /iPad/],
  ['Windows', /Windows/],
  ['Mac', /Macintosh/],
  ['Linux', /Linux/],
] as const;

export function browserName(agent: string | null): string {
  const of = (names: readonly (readonly [string, RegExp])[]): string | undefined =>
    names.find(([, pattern]) => pattern.test(agent ?? ''))?.[0];
  const browser = of(BROWSERS) ?? 'A program';
  const system = of(SYSTEMS);
  return system === undefined ? browser : `${browser} on ${system}`;
}
