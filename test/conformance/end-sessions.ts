/** For tests: ends the interpreters of a device. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Interpreters outlive their device on purpose; a test leaves none behind. */
export async function endSessions(home: string): Promise<void> {
  for (const id of await readdir(join(home, 'sessions')).catch(() => [])) {
    const text = await readFile(join(home, 'sessions', id, 'session.json'), 'utf8').catch(() => 'null');
    const noted = (JSON.parse(text) as { process: { pid: number } | null } | null)?.process ?? null;
    try {
      if (noted !== null) process.kill(-noted.pid, 'SIGKILL');
    } catch {
      // It has ended already.
    }
  }
}
