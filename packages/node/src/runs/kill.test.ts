import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventsOf, fileStore, finished, testDevice, textOf } from './runs.fixture.ts';

const HOST = fileURLToPath(new URL('killed-host.fixture.ts', import.meta.url));
const LINES = 40;

test(
  'R11 R14 R15 a host killed at any moment: the run starts at most once, and its output is whole or it is lost',
  { timeout: 300_000 },
  async () => {
    const ends = new Map<string, number>();
    const trials = Number(process.env['MARKCO_TRIALS'] ?? 1) * 10;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 700 }), async (afterMs) => {
        const home = await mkdtemp(path.join(tmpdir(), 'markco-kill-'));
        await using device = await testDevice({ home, store: fileStore(path.join(home, 'rows')) });
        const code = `import time\nwith open("starts", "a") as f: f.write("x")\nfor i in range(${LINES}):\n    print(i)\n    time.sleep(0.02)`;
        const request = device.request(code);
        const host = spawn(process.execPath, [HOST, home, JSON.stringify(request)], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        await once(host.stdout, 'data');
        await delay(afterMs);
        host.kill('SIGKILL');
        await once(host, 'exit');

        const next = await device.host();
        await next.recover();
        const events = await eventsOf(next, request.id);
        const run = await next.get(request.id);
        const starts = await readFile(path.join(device.project, 'starts'), 'utf8').catch(() => '');
        const end = run?.state === 'completed' ? 'completed' : `${run?.state} ${run?.error?.type}`;
        ends.set(end, (ends.get(end) ?? 0) + 1);
        expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index));
        if (run?.state === 'completed') {
          expect(starts).toBe('x');
          expect(textOf(events)).toBe(Array.from({ length: LINES }, (_, index) => `${index}\n`).join(''));
        } else {
          // Killed after `running` was on disk and before the code was sent, or while the interpreter was starting.
          expect(['failed lost', 'failed SessionEnded']).toContain(end);
          expect(starts).toBe('');
        }
        expect((await next.submit(request)).state).toBe(run?.state);
        expect((await finished(next, device.request('1'))).run.state).toBe('completed');
      }),
      { numRuns: trials },
    );
    expect(ends.get('completed')).toBeGreaterThan(0);
  },
);
