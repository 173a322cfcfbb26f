/** Who may import whom. The table is that of ARCHITECTURE.md. */
import { importsOf, packageImported, roomImported, roomOf } from '../../setup/sources.ts';
import { isCode, isTest, type Rule } from './rule.ts';

const ROOMS: Readonly<Record<string, readonly string[]>> = {
  'packages/protocol': [],
  'packages/scheduler': ['packages/protocol'],
  'packages/client': ['packages/protocol', 'packages/scheduler'],
  'packages/replica': ['packages/protocol'],
  'packages/node': ['packages/protocol', 'packages/scheduler', 'packages/client', 'packages/replica'],
  'packages/rendezvous': ['packages/protocol', 'packages/scheduler', 'packages/replica'],
};
/** These run in a browser as well as in Node, so nothing of Node may be in them. */
const PURE = ['packages/protocol', 'packages/scheduler', 'packages/client'];
const OPEN_TO_ALL_PACKAGES = /^(apps\/[\w-]+|test|setup|vitest\.config\.ts)$/;

export const importDirections: Rule = {
  name: 'imports go protocol ◄ scheduler ◄ client ◄ node ◄ apps and protocol ◄ replica ◄ node, and nothing imports apps or tests',
  concerns: isCode,
  check: (file) =>
    importsOf(file).flatMap((found) => {
      const from = roomOf(found.path);
      const to = roomImported(found);
      const say = (message: string) => [{ path: found.path, line: found.line, message }];
      if (PURE.includes(from) && !isTest(found.path) && found.specifier.startsWith('node:'))
        return say(`${from} is pure, ${found.specifier} is not`);
      if (to === null || to === from) return [];
      if (to.startsWith('packages/') && found.specifier.startsWith('.'))
        return say(`import ${to} by its name, not by ${found.specifier}`);
      // The starter reads no source of any room; the configuration of tests and the tests themselves use its parts.
      if (to === 'setup' && (OPEN_TO_ALL_PACKAGES.test(from) || isTest(found.path))) return [];
      if (OPEN_TO_ALL_PACKAGES.test(from) && to.startsWith('packages/')) return [];
      if (from === 'test' && to.startsWith('apps/')) return [];
      return ROOMS[from]?.includes(to) ? [] : say(`${from} may not import ${to}`);
    }),
};

export type Manifests = {
  /** Room → the packages it declares. The root's are under `.`. */
  readonly [room: string]: ReadonlySet<string>;
};

/** What a room imports from outside, it declares; tests may also use what the root declares. */
export function declaredImports(manifests: Manifests): Rule {
  const everything = new Set(Object.values(manifests).flatMap((names) => [...names]));
  const root = manifests['.'] ?? new Set<string>();
  return {
    name: 'imports from outside are declared where they are used',
    // The peers that benchmarks compare with are installed by the benchmarks themselves.
    concerns: (path) => isCode(path) && !path.startsWith('test/bench/'),
    check: (file) =>
      importsOf(file).flatMap((found) => {
        const wanted = packageImported(found);
        const room = roomOf(found.path);
        const own = manifests[room];
        const forTests = isTest(found.path) || own === undefined || found.path.endsWith('.config.ts');
        const allowed =
          own === undefined
            ? everything.has(wanted ?? '')
            : own.has(wanted ?? '') || (forTests && root.has(wanted ?? ''));
        if (wanted === null || allowed) return [];
        const message = builtins.has(wanted)
          ? `write node:${wanted}`
          : `${wanted} is not in the package.json of ${room}`;
        return [{ path: found.path, line: found.line, message }];
      }),
  };
}

const builtins = new Set([
  'fs',
  'path',
  'os',
  'crypto',
  'net',
  'http',
  'child_process',
  'util',
  'stream',
  'events',
  'url',
  'worker_threads',
]);
