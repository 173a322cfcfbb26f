/** Dependencies: each has its line in docs/dependencies.md, and none is older than its last known hole. */

/** The packages named in the first column of the tables of docs/dependencies.md. */
export function documentedPackages(markdown: string): readonly string[] {
  return [...markdown.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1] ?? '');
}

/** What is declared and not explained, or explained and not declared. */
export function undocumented(declared: ReadonlySet<string>, documented: readonly string[]): readonly string[] {
  const explained = new Set(documented);
  return [
    ...[...declared]
      .filter((name) => !explained.has(name))
      .map((name) => `${name} has no line in docs/dependencies.md`),
    ...documented
      .filter((name) => !declared.has(name))
      .map((name) => `${name} is explained but no package.json declares it`),
    ...documented
      .filter((name, index) => documented.indexOf(name) !== index)
      .map((name) => `${name} is explained twice`),
  ];
}

export type Floor = { readonly min: string; readonly why: string } | { readonly never: true; readonly why: string };
export type Locked = { readonly name: string; readonly version: string };

/** Every locked package, nested ones too, by its name. */
export function lockedPackages(lock: {
  readonly packages: Readonly<Record<string, { readonly version?: string }>>;
}): readonly Locked[] {
  return Object.entries(lock.packages).flatMap(([path, { version }]) => {
    const name = path.split('node_modules/').at(-1) ?? '';
    return path.includes('node_modules/') && version !== undefined ? [{ name, version }] : [];
  });
}

export function belowFloor(locked: readonly Locked[], floors: Readonly<Record<string, Floor>>): readonly string[] {
  if (locked.length === 0) return ['the lock file names no packages'];
  return locked.flatMap(({ name, version }) => {
    const floor = floors[name];
    if (floor === undefined) return [];
    if ('never' in floor) return [`${name} must not be installed: ${floor.why}`];
    return isOlder(version, floor.min) ? [`${name} ${version} is below ${floor.min}: ${floor.why}`] : [];
  });
}

/** By major, minor and patch; a pre-release is older than its release. */
function isOlder(version: string, min: string): boolean {
  const [core = '', preRelease] = version.split(/-(.*)/);
  const parts = core.split('.').map(Number);
  for (const [index, wanted] of min.split('.').map(Number).entries()) {
    const part = parts[index] ?? 0;
    if (part !== wanted) return part < wanted;
  }
  return preRelease !== undefined;
}
