/**
 * A session's only keeper: whoever gets its name first has it until its process ends, however that ends.
 *
 * The name is a socket that answers as long as its process lives. It is made elsewhere and linked to its place, which
 * only one can do. A name whose process is gone is moved away first, and put back should it turn out to live.
 */
import { linkSync, renameSync, rmSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import path from 'node:path';
import { pid } from 'node:process';

/** More dead names than that cannot come while one is asked for. */
const TRIES_MAX = 10;

/** @param name a path in a folder of this user's alone. False when another process has it. */
export async function claim(name: string): Promise<boolean> {
  const own = path.join(path.dirname(name), `k${pid}`);
  const dead = `${own}d`;
  for (const each of [own, dead]) rmSync(each, { force: true });
  const server = createServer((socket) => socket.destroy()).unref();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(own, resolve));
  try {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      if (succeeds(() => linkSync(own, name), 'EEXIST')) return true;
      if (await answers(name)) return false;
      if (!succeeds(() => renameSync(name, dead), 'ENOENT')) continue;
      if (!(await answers(dead))) continue;
      succeeds(() => linkSync(dead, name), 'EEXIST');
      return false;
    }
    return false;
  } finally {
    for (const each of [own, dead]) rmSync(each, { force: true });
  }
}

/** Whether it was done, and not kept from it by what the code says. */
function succeeds(work: () => void, unless: string): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== unless) throw error;
    return false;
  }
}

function answers(name: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ path: name });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT'));
  });
}
