/** The page's only clock. Unix milliseconds of the wall, so that it goes on while the machine sleeps. */
export function now(): number {
  return new Date().getTime();
}
