/**
 * Whether what is installed is what `package-lock.json` asks for, and installing it.
 *
 * npm writes `node_modules/.package-lock.json` last, so comparing the two lists is the truth of it: no stamp of
 * our own that could lie, an interrupted install counts as none, and `npm install` by hand counts as done.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { step } from './step.mjs';

/** The first package that is missing or of another version, else null. */
export function missingDependency(root) {
  const wanted = packagesOf(join(root, 'package-lock.json'));
  const present = packagesOf(join(root, 'node_modules/.package-lock.json'));
  if (wanted === null) return 'package-lock.json';
  if (present === null) return 'node_modules';
  for (const [path, { version, optional, peer, link }] of Object.entries(wanted)) {
    if (path === '' || link === true || !path.includes('node_modules/')) continue;
    const found = present[path];
    // Optional packages are for other platforms, or are left out on purpose.
    if (found === undefined ? optional !== true && peer !== true : found.version !== version) return path;
  }
  return null;
}

export function installDependencies(root, missing, say) {
  say(`Installing what MarkCo needs (${missing} is missing or has changed; this happens once)…`);
  step('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    // In production npm leaves out what builds and tests, the pinned Node among it.
    mode: 'development',
    // npm is a script on Windows, which only a shell can start.
    shell: process.platform === 'win32',
    what: 'Installing the dependencies (`npm ci`)',
    hint: 'Look at what npm said above. Most often the network is down or the disk is full; then run the same command again.',
  });
}

function packagesOf(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages ?? null;
  } catch {
    return null;
  }
}
