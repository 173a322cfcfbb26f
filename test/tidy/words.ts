/** Names and words that are not used here, and what a file must have. */
import { forbid, isCode, isTest, type Rule } from './rule.ts';

const KEBAB = /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|fixture|contract|config|d|browser))*\.(ts|tsx|mjs|css|py)$/;
const NAMELESS = /^(utils?|helpers?|common|misc)\./;
const LINES_MAX = 400;

export const fileNames: Rule = {
  name: 'file names are kebab-case nouns, never utils, helpers, common or misc',
  concerns: () => true,
  check({ path }) {
    const parts = path.split('/');
    const name = parts.at(-1) ?? '';
    if (NAMELESS.test(name) || parts.some((part) => NAMELESS.test(`${part}.`)))
      return [{ path, line: 1, message: 'this name says nothing: name the idea' }];
    return KEBAB.test(name) || name === '__init__.py'
      ? []
      : [{ path, line: 1, message: `${name} is not in kebab-case` }];
  },
};

export const shortFiles: Rule = {
  name: `files have at most ${LINES_MAX} lines`,
  concerns: () => true,
  check({ path, text }) {
    const lines = text.replace(/\n$/, '').split('\n').length;
    return lines <= LINES_MAX
      ? []
      : [{ path, line: LINES_MAX, message: `${lines} lines: look for the second idea in it` }];
  },
};

export const openingDocs: Rule = {
  name: 'a file opens with what it is',
  concerns: (path) => /\.(ts|tsx|mjs|css|py)$/.test(path) && !isTest(path),
  check({ path, text }) {
    const start = text.replace(/^#!.*\n/, '');
    const opens = path.endsWith('.py') ? /^(r?""")/.test(start) : start.startsWith('/*');
    return opens ? [] : [{ path, line: 1, message: 'say in a comment at the top what this file is and why' }];
  },
};

/**
 * Where time, chance and the process come from: the entry of each program, and what runs before or around programs.
 * `performance.now()` is allowed everywhere: it measures, it decides nothing.
 */
const ENTRIES = [
  'apps/cli/',
  'setup/',
  'test/',
  'vitest.config.ts',
  'apps/web/vite.config.ts',
  'apps/web/src/boot/',
  'packages/node/src/runtimes/keeper/keeper.ts',
  'packages/node/src/runtimes/javascript/child/',
];
const isInner = (path: string) => isCode(path) && !isTest(path) && !ENTRIES.some((entry) => path.startsWith(entry));
const isCliInner = (path: string) =>
  path.startsWith('apps/cli/src/') && path !== 'apps/cli/src/main.ts' && !isTest(path);

const CLOCK = /\bDate\.now\(|\bnew Date\(\s*\)/;
const CHANCE = /\bMath\.random\(|\bcrypto\.randomUUID\(/;
const PROCESS = /(?<![\w.'"`/-])(globalThis\.)?process\.[a-zA-Z]/;

export const words: readonly Rule[] = [
  forbid(
    'the clock comes in as an argument',
    CLOCK,
    'take now() as an argument',
    (path) => isInner(path) || isCliInner(path),
  ),
  forbid(
    'chance comes in as an argument',
    CHANCE,
    'take randomBytes as an argument',
    (path) => isInner(path) || isCliInner(path),
  ),
  forbid(
    'only entries touch process',
    PROCESS,
    'take what you need of process as an argument',
    (path) => isInner(path) || isCliInner(path),
  ),
  forbid(
    'no default exports',
    /^export default\b/,
    'export it by name',
    (path) => isCode(path) && !path.endsWith('.config.ts'),
  ),
  forbid(
    'nothing is left to do',
    /\b(TODO|FIXME|XXX|HACK)\b/,
    'do it, or leave it out',
    (path) => !path.startsWith('test/tidy'),
  ),
  forbid(
    'the compiler is not silenced',
    /@ts-(ignore|expect-error|nocheck)|:\s*any\s*([;,)=\]|&>{}]|$)|\bas any\s*([;,.)=\]|&>{}]|$)|<any>/,
    'find the type',
    (path) => isCode(path) && !path.startsWith('test/tidy'),
  ),
  forbid(
    'a skipped test says why, and none runs alone',
    /\b(test|it|describe)(\.\w+)*\.(skip|skipIf|runIf|todo|only)\(/,
    'call context.skip(reason) inside the test',
    (path) => isTest(path) && !path.startsWith('test/tidy'),
  ),
];
