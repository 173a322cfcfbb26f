/**
 * Whether the built page is that of today's sources, and building it.
 *
 * The stamp is a hash of what goes into the page, not of times: a fresh clone, a checkout of an older commit and
 * an edit are all told apart. A new page is built beside the old one and takes its place whole.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { step } from './step.mjs';

const SOURCES = [
  'apps/web',
  'packages/protocol',
  'packages/client',
  'tsconfig.base.json',
  'tsconfig.web.json',
  'package-lock.json',
];
const built = 'apps/web/dist';

export function pageIsStale(root) {
  try {
    return readFileSync(join(root, built, '.stamp'), 'utf8') !== stampOf(root);
  } catch {
    return true;
  }
}

export function buildPage(root, node, say) {
  say('Building the page (this happens once for each change)…');
  const stamp = stampOf(root);
  const workshop = join(root, `apps/web/.build-${process.pid}`);
  const fresh = join(workshop, 'dist');
  try {
    step(
      node,
      [
        join(root, 'node_modules/vite/bin/vite.js'),
        'build',
        join(root, 'apps/web'),
        '--outDir',
        fresh,
        '--logLevel',
        'error',
      ],
      {
        cwd: root,
        mode: 'production',
        what: 'Building the page (`vite build`)',
        hint: 'The message above names the file. `git status` shows what differs from the last good version.',
      },
    );
    writeFileSync(join(fresh, '.stamp'), stamp);
    const old = join(workshop, 'old');
    if (existsSync(join(root, built))) renameSync(join(root, built), old);
    renameSync(fresh, join(root, built));
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
}

function stampOf(root) {
  const hash = createHash('sha256');
  for (const source of SOURCES) addTo(hash, root, source);
  return hash.digest('hex');
}

function addTo(hash, root, path) {
  const full = join(root, path);
  let entries;
  try {
    entries = readdirSync(full, { withFileTypes: true });
  } catch (error) {
    if (error.code !== 'ENOTDIR') return;
    hash.update(`${path}\0`).update(readFileSync(full)).update('\0');
    return;
  }
  for (const { name } of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (name === 'dist' || name === 'node_modules' || name.startsWith('.') || /\.test\.tsx?$/.test(name)) continue;
    addTo(hash, root, `${path}/${name}`);
  }
}
