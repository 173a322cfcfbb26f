/**
 * `npm run lock`: adds to package-lock.json the packages of other platforms that the registry at hand did not offer.
 *
 * npm leaves out an optional package it cannot look up, and then `npm ci` refuses the lock file as incomplete,
 * everywhere. The versions are known (their parents name them exactly), and so are the platforms (from their names);
 * only their checksums are not, so npm checks these few against the registry alone.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type LockedPackage = {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
};
export type Packages = Readonly<Record<string, LockedPackage>>;

const OSES = ['android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const CPUS = ['arm64', 'arm', 'ia32', 'loong64', 'ppc64', 'riscv64', 's390x', 'x64'];

/** Optional packages that are asked for and not locked, as lock entries by their path. */
export function missingPlatforms(packages: Packages): Readonly<Record<string, LockedPackage>> {
  const missing: Record<string, LockedPackage> = {};
  for (const [path, { optionalDependencies, dev }] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(optionalDependencies ?? {})) {
      if (isLocked(packages, path, name)) continue;
      missing[`node_modules/${name}`] = {
        version,
        ...platformOf(name),
        ...(dev === true ? { dev } : {}),
        ...{ optional: true },
      };
    }
  }
  return missing;
}

/** As Node looks packages up: beside the one that asks, then further out. */
function isLocked(packages: Packages, from: string, name: string): boolean {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    if (`${at === '' ? '' : `${at}/`}node_modules/${name}` in packages) return true;
    if (at === '') return false;
  }
}

/** `@scope/binding-linux-arm-musleabihf` → linux, arm, musl. */
function platformOf(name: string): object {
  const parts = name.split(/[-/]/);
  const os = OSES.find((each) => parts.includes(each));
  const cpu = CPUS.find((each) => parts.includes(each));
  const libc = os !== 'linux' ? undefined : /musl/.test(name) ? 'musl' : /gnu|glibc/.test(name) ? 'glibc' : undefined;
  return {
    ...(os === undefined ? {} : { os: [os] }),
    ...(cpu === undefined ? {} : { cpu: [cpu] }),
    ...(libc === undefined ? {} : { libc: [libc] }),
  };
}

if (import.meta.main) {
  const file = join(import.meta.dirname, '../package-lock.json');
  const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: Packages };
  const missing = missingPlatforms(lock.packages);
  lock.packages = Object.fromEntries(
    // npm's own order, so that its next write changes nothing.
    Object.entries({ ...lock.packages, ...missing }).toSorted(([a], [b]) => a.localeCompare(b, 'en')),
  );
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  process.stdout.write(`Added ${Object.keys(missing).length} packages of other platforms.\n`);
}
