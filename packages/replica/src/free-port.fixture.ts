/** For tests: a port for what has to be found again after a restart. */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below those that systems give to whoever asks for any: nobody gets one by chance while its owner is off. */
const FIRST = 10_000;
const LAST = 32_000;
const TRIES = 50;

/** @throws Error when none of those that were tried was free */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < TRIES; tried++) {
    const port = randomInt(FIRST, LAST);
    const server = createServer();
    const isFree = await once(server.listen(port, '127.0.0.1'), 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
  throw new Error(`no free port in ${TRIES} tries from ${FIRST} to ${LAST}`);
}
