/**
 * One setup at a time for each checkout: a file that names the process that holds it. A holder that died is
 * noticed by its number, so that a crash never locks anybody out.
 */
import { createHash } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SetupError } from './step.mjs';

const WAIT_MAX_MS = 15 * 60_000;
const LOOK_EVERY_MS = 200;
const UNNAMED_MAX_MS = 10_000;

/** Runs `work` while no other process sets up this checkout. `work` looks anew at what is left to do. */
export function withSetupLock(root, say, work) {
  const path = join(tmpdir(), `markco-setup-${createHash('sha256').update(root).digest('hex').slice(0, 16)}.lock`);
  const deadline = Date.now() + WAIT_MAX_MS;
  let told = false;
  while (!take(path)) {
    if (Date.now() > deadline) {
      throw new SetupError(
        'Another start has been setting up for 15 minutes.',
        `Stop it, or remove ${path}, then try again.`,
      );
    }
    if (!told) say('Another start is setting up; waiting for it…');
    told = true;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_EVERY_MS);
  }
  try {
    work();
  } finally {
    rmSync(path, { force: true });
  }
}

function take(path) {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  const holder = holderOf(path);
  if (holder === null ? isOld(path) : !isAlive(holder)) removeLeftOver(path, holder);
  return false;
}

/** Moved away first: what was taken in the meantime by somebody else is put back. */
function removeLeftOver(path, holder) {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
    if (holderOf(aside) !== holder) linkSync(aside, path);
  } catch {
    // Somebody else was faster; the next look shows who holds it.
  }
  rmSync(aside, { force: true });
}

function holderOf(path) {
  try {
    const pid = Number.parseInt(readFileSync(path, 'utf8'), 10);
    return Number.isInteger(pid) && pid > 0 ? pid : null;
  } catch {
    return null;
  }
}

/** A lock without a name in it is being written right now, or its writer died in that very moment. */
function isOld(path) {
  try {
    return Date.now() - statSync(path).mtimeMs > UNNAMED_MAX_MS;
  } catch {
    return false;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
