/** The house rules, over every source file. Each is first seen to fail on a planted fault, and fails when it sees no files. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { missingPlatforms, type Packages } from '../setup/lock-platforms.ts';
import { importsOf, readSources } from '../setup/sources.ts';
import { broken, promised } from './tidy/acceptance.ts';
import { belowFloor, documentedPackages, lockedPackages, undocumented, type Floor } from './tidy/dependencies.ts';
import { dials, needlesslyAllowed } from './tidy/dials.ts';
import { declaredImports, importDirections, type Manifests } from './tidy/imports.ts';
import { breachesOf, type Rule } from './tidy/rule.ts';
import { fileNames, openingDocs, shortFiles, words } from './tidy/words.ts';

const root = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const sources = readSources(root);

type Manifest = {
  readonly workspaces?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
};
const manifestOf = (room: string) => JSON.parse(read(`${room}/package.json`)) as Manifest;
const declaredIn = ({ dependencies, devDependencies }: Manifest) =>
  new Set([...Object.keys(dependencies ?? {}), ...Object.keys(devDependencies ?? {})]);
const rooms = ['.', ...(manifestOf('.').workspaces ?? [])];
const manifests: Manifests = Object.fromEntries(rooms.map((room) => [room, declaredIn(manifestOf(room))]));

/** A rule, and files that break it, each in one place. */
type Planted = {
  readonly rule: Rule;
  readonly bad: Readonly<Record<string, string>>;
  readonly good: Readonly<Record<string, string>>;
};

const doc = '/** What it is. */\n';
const word = (name: string): Rule => words.find((rule) => rule.name === name) ?? expect.unreachable(`no rule ${name}`);
const sampleManifests: Manifests = { '.': new Set(['vitest']), 'packages/node': new Set(['yjs']) };

const planted: readonly Planted[] = [
  {
    rule: importDirections,
    bad: {
      'packages/protocol/src/a.ts': "import { x } from '@markco/node';",
      'packages/scheduler/src/a.ts': "import type { x } from '@markco/client/api';",
      'packages/client/src/a.ts': "export * from '@markco/node/x';",
      'packages/client/src/b.ts': "import { x } from '../../protocol/src/id.ts';",
      'packages/client/src/c.ts': "import { readFile } from 'node:fs/promises';",
      'packages/node/src/a.ts': "const x = await import('@markco/cli/x');",
      'packages/node/src/b.ts': "import { x } from '../../../test/x.ts';",
      'packages/rendezvous/src/a.ts': "import { x } from '@markco/client';",
      'apps/web/src/a.tsx': "import { x } from '../../cli/src/x.ts';",
      'apps/web/src/b.tsx': "import {\n  x,\n} from '@markco/cli';",
    },
    good: {
      'packages/node/src/a.ts':
        "import { x } from '@markco/client/api';\nimport './b.ts';\nimport { readFile } from 'node:fs';",
      'apps/cli/src/a.ts': "import { x } from '@markco/node';",
      'test/x/a.test.ts': "import { x } from '../../apps/cli/src/x.ts';",
      'packages/client/src/a.test.ts': "import { readFile } from 'node:fs';",
      'packages/client/src/a.ts': "/** import { x } from '@markco/node'; */",
    },
  },
  {
    rule: declaredImports(sampleManifests),
    bad: {
      'packages/node/src/a.ts': "import { x } from 'left-pad';",
      'packages/node/src/b.ts': "import { x } from 'fs';",
      'packages/node/src/c.ts': "import { test } from 'vitest';",
      'packages/node/src/d.test.ts': "import '@scope/thing/inner';",
    },
    good: {
      'packages/node/src/a.ts': "import * as Y from 'yjs';",
      'packages/node/src/a.test.ts': "import { test } from 'vitest';",
    },
  },
  {
    rule: fileNames,
    bad: {
      'packages/x/src/utils.ts': doc,
      'packages/x/src/common/a.ts': doc,
      'packages/x/src/MyFile.ts': doc,
      'packages/x/src/my_file.ts': doc,
    },
    good: { 'packages/x/src/my-file.test.ts': doc, 'packages/x/src/common-mark.ts': doc },
  },
  { rule: shortFiles, bad: { 'a.ts': '\n'.repeat(401) }, good: { 'a.ts': '\n'.repeat(400) } },
  {
    rule: openingDocs,
    bad: { 'packages/x/src/a.ts': 'export const a = 1;\n', 'packages/x/src/a.py': 'import os\n' },
    good: { 'packages/x/src/a.ts': `#!/usr/bin/env node\n${doc}`, 'packages/x/src/a.py': '"""What it is."""\n' },
  },
  {
    rule: word('the clock comes in as an argument'),
    bad: {
      'packages/x/src/a.ts': 'const t = Date.now();',
      'apps/web/src/a.tsx': 'const t = new Date();',
      'apps/cli/src/run.ts': 'Date.now()',
    },
    good: {
      'packages/x/src/a.ts': 'const t = new Date(parts.now());',
      'apps/cli/src/main.ts': 'Date.now()',
      'test/a.test.ts': 'Date.now()',
    },
  },
  {
    rule: word('chance comes in as an argument'),
    bad: { 'packages/x/src/a.ts': 'Math.random()', 'packages/x/src/b.ts': 'crypto.randomUUID()' },
    good: { 'packages/x/src/a.ts': 'parts.randomBytes(16)' },
  },
  {
    rule: word('only entries touch process'),
    bad: {
      'packages/x/src/a.ts': 'process.exit(1)',
      'packages/x/src/b.ts': 'if (globalThis.process.env) {}',
      'apps/cli/src/run.ts': 'process.env',
    },
    good: {
      'packages/x/src/a.ts': '// ends this process. Then',
      'packages/x/src/b.ts': 'child.process.kill()',
      'apps/cli/src/main.ts': 'process.env',
    },
  },
  {
    rule: word('no default exports'),
    bad: { 'a.ts': 'export default 1;' },
    good: { 'vitest.config.ts': 'export default 1;', 'a.ts': 'export const a = 1;' },
  },
  {
    rule: word('nothing is left to do'),
    bad: { 'a.ts': '// TODO: more', 'b.py': '# FIXME' },
    good: { 'a.ts': 'const todoList = 1;' },
  },
  {
    rule: word('the compiler is not silenced'),
    bad: { 'a.ts': '// @ts-ignore', 'b.ts': 'let a: any;', 'c.ts': 'b as any;' },
    good: { 'a.ts': 'let a: anyOf;', 'b.ts': '/** a, b: any name */' },
  },
  {
    rule: word('a skipped test says why, and none runs alone'),
    bad: {
      'a.test.ts': "test.skip('x', () => {});",
      'b.test.ts': "test.only('x', () => {});",
      'c.test.ts': "test.skipIf(true)('x', () => {});",
    },
    good: { 'a.test.ts': "test('x', ({ skip }) => skip('needs root'));" },
  },
  {
    rule: dials,
    bad: {
      'packages/node/src/a.ts': 'const page = await fetch(body.url);',
      'packages/node/src/b.ts': "import { type Socket,\n  connect } from 'node:net';",
      'packages/node/src/c.ts': "const { request } = await import('node:http');",
      'packages/node/src/d.ts': 'channel.connect(`tcp://${host}:${port}`);',
      'packages/node/src/e.ts': 'parts.fetch(run.url)',
      'packages/node/src/f.ts': 'createApi({ fetch, origin: peer.origin })',
      'packages/client/src/a.ts': 'new WebSocket(frame.url)',
      'packages/client/src/b.ts': "import * as https from 'https';",
      'packages/node/src/a.py': 'from urllib.request import urlopen',
    },
    good: {
      'packages/node/src/a.ts': "import type { Server } from 'node:http';\n// Who may fetch it, and when.",
      'packages/node/src/b.ts': "readonly fetch: typeof fetch;\nheaders['sec-fetch-site'];\napp.fetch(request);",
      'packages/node/src/runtimes/remote/request.ts': "import { request } from 'node:http';",
      'packages/node/src/a.test.ts': 'await fetch(url);',
    },
  },
];

const filesOf = (files: Readonly<Record<string, string>>) =>
  Object.entries(files).map(([path, text]) => ({ path, text }));

test('every rule has been planted', () => {
  const ruled = [importDirections, fileNames, shortFiles, openingDocs, dials, ...words].map((rule) => rule.name);
  expect(planted.map(({ rule }) => rule.name)).toEqual(expect.arrayContaining(ruled));
});

for (const { rule, bad, good } of planted) {
  test(`"${rule.name}" catches each planted fault, lets good files be, and fails without files`, () => {
    for (const file of filesOf(bad)) expect(breachesOf(rule, [file]), file.path).toHaveLength(1);
    expect(breachesOf(rule, filesOf(good))).toEqual([]);
    expect(breachesOf(rule, [])).toHaveLength(1);
  });
}

for (const rule of [
  importDirections,
  declaredImports(manifests),
  fileNames,
  shortFiles,
  openingDocs,
  dials,
  ...words,
]) {
  test(`in this repository ${rule.name}`, () => {
    expect(breachesOf(rule, sources).map(({ path, line, message }) => `${path}:${line} ${message}`)).toEqual([]);
  });
}

test('every file that may open a connection does', () => {
  expect(needlesslyAllowed(sources)).toEqual([]);
  expect(needlesslyAllowed([]).length).toBeGreaterThan(10);
});

test('imports are found however they are written', () => {
  const text = [
    "import a, { b } from 'one';",
    "import type {\n  c,\n} from 'two';",
    "export * from 'three';",
    "import 'four';",
    `const d = await import(${"'five'"});`,
    'import * as e from "six";',
    "export const f = 'seven';",
    "await folder.import('eight');",
  ].join('\n');
  expect(importsOf({ path: 'a.ts', text }).map(({ specifier }) => specifier)).toEqual([
    'one',
    'two',
    'three',
    'four',
    'five',
    'six',
  ]);
});

test('every dependency is explained in docs/dependencies.md, and nothing else is', () => {
  const declared = new Set(
    Object.values(manifests).flatMap((names) => [...names].filter((name) => !name.startsWith('@markco/'))),
  );
  expect(declared.size).toBeGreaterThan(0);
  expect(undocumented(new Set(['a', 'b']), ['b', 'c', 'c'])).toHaveLength(4);
  expect(undocumented(declared, documentedPackages(read('docs/dependencies.md')))).toEqual([]);
});

test('no locked package is below the version that closed its last known hole', () => {
  const floors: Readonly<Record<string, Floor>> = { ws: { min: '8.21.0', why: 'x' }, bad: { never: true, why: 'x' } };
  const sample = (name: string, version: string) => belowFloor([{ name, version }], floors);
  expect(
    [
      sample('ws', '8.20.9'),
      sample('ws', '8.21.0-rc.1'),
      sample('ws', '7.99.0'),
      sample('bad', '1.0.0'),
      belowFloor([], floors),
    ].every((found) => found.length === 1),
  ).toBe(true);
  expect([...sample('ws', '8.21.0'), ...sample('ws', '9.0.0'), ...sample('other', '0.0.1')]).toEqual([]);
  expect(
    lockedPackages({
      packages: {
        '': {},
        'node_modules/a': { version: '1.0.0' },
        'node_modules/a/node_modules/@s/b': { version: '2.0.0' },
      },
    }),
  ).toEqual([
    { name: 'a', version: '1.0.0' },
    { name: '@s/b', version: '2.0.0' },
  ]);
  const lock = JSON.parse(read('package-lock.json')) as Parameters<typeof lockedPackages>[0];
  expect(
    belowFloor(
      lockedPackages(lock),
      JSON.parse(read('docs/dependency-floors.json')) as Readonly<Record<string, Floor>>,
    ),
  ).toEqual([]);
});

test('T19 what reads the bytes of strangers at a cloud has such a version named', () => {
  const floors = JSON.parse(read('docs/dependency-floors.json')) as Readonly<Record<string, Floor>>;
  // What only draws what somebody wrote reads no bytes from the network.
  const isDrawing = (name: string): boolean => /^@(markco|codemirror|lezer)\//.test(name);
  const named = [...(manifests['packages/rendezvous'] ?? []), ...(manifests['packages/replica'] ?? [])].filter(
    (name) => !isDrawing(name),
  );
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((name) => floors[name] === undefined)).toEqual([]);
});

test('the lock file names the packages of every platform, so that npm ci takes it everywhere (else: npm run lock)', () => {
  const sample: Packages = {
    'node_modules/tool': {
      dev: true,
      optionalDependencies: { '@tool/linux-x64-gnu': '1.2.3', '@tool/darwin-arm64': '1.2.3', nested: '1.0.0' },
    },
    'node_modules/@tool/linux-x64-gnu': { version: '1.2.3' },
    'node_modules/tool/node_modules/nested': { version: '1.0.0' },
  };
  expect(missingPlatforms(sample)).toEqual({
    'node_modules/@tool/darwin-arm64': { version: '1.2.3', os: ['darwin'], cpu: ['arm64'], dev: true, optional: true },
  });
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Packages };
  expect(Object.keys(packages).length).toBeGreaterThan(100);
  expect(missingPlatforms(packages)).toEqual({});
});

test('what docs/acceptance.md promises is shown by tests that exist', () => {
  const page = (file: string, words: string, store: string): string =>
    `| It holds | \`${file}\` "${words}" | ${store} |`;
  const sample = { 'a.test.ts': "test('A-1 it holds', () => {});", 'b.test.ts': 'test.for([1])(\n  `B-1 of Postgres`' };
  const readSample = (file: string): string | undefined => sample[file as keyof typeof sample];
  expect(broken(page('a.test.ts', 'A-1', 'Level'), readSample)).toEqual([]);
  expect(broken(page('b.test.ts', 'B-1', 'Level, Postgres'), readSample)).toEqual([]);
  expect(broken(page('a.test.ts', 'A-2', 'Level'), readSample)).toEqual(['a.test.ts has no test "A-2"']);
  expect(broken(page('c.test.ts', 'A-1', 'Level'), readSample)).toEqual(['c.test.ts has no test "A-1"']);
  expect(broken(page('a.test.ts', 'A-1', 'Postgres'), readSample)).toHaveLength(1);
  expect(broken(page('a.test.ts', 'A-1', '(Postgres)'), readSample)).toHaveLength(1);
  expect(broken('| It holds | by luck | Level |', readSample)).toHaveLength(1);
  const markdown = read('docs/acceptance.md');
  expect(promised(markdown).length).toBeGreaterThan(40);
  expect(broken(markdown, (file) => (existsSync(join(root, file)) ? read(file) : undefined))).toEqual([]);
});
