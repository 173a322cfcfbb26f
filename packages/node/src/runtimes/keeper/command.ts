/** How a device starts a keeper: the `command` of a row whose interpreter cannot be its own worker. */
import path from 'node:path';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { LIMITS } from '@markco/protocol';
import type { RuntimePlace, SessionPlace, WorkerCommand } from '../runtime.ts';

const KEEPER = fileURLToPath(new URL('keeper.ts', import.meta.url));
/** It passes bytes on and keeps few of them, on one core: smaller is better than faster. */
const SMALL = ['--max-semi-space-size=1', '--v8-pool-size=1', '--no-warnings'];

/** `kind` is a name in `kinds.ts`, `executable` what that kind starts. */
export function keeperCommand(
  kind: string,
  session: SessionPlace,
  executable: string,
  place: RuntimePlace,
): WorkerCommand {
  const options = { executable, cwd: path.resolve(place.projectFolder, place.config.cwd ?? '.'), config: place.config };
  const own = [kind, session.folder, session.socket, String(LIMITS.runOutputBytesMax), JSON.stringify(options)];
  return { argv: [execPath, ...SMALL, KEEPER, ...own], env: { UV_THREADPOOL_SIZE: '1' } };
}
