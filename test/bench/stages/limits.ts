/** What it costs to bound a session: the time from a new process to one that its limits hold. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chooseLimits } from '@markco/node/runtimes/limits/choose';
import { newId, type SessionId } from '@markco/protocol';
import type { Stage } from '../bench.ts';
import { quantile } from '../quantile.ts';
import type { Row } from '../result.ts';

const LIMITS = { memoryBytes: 1_000_000_000, processes: 1_000, cpus: null };

export const limits: Stage = {
  name: 'run-limits',
  about: 'what the limits of a session add to its start',
  async run(bench) {
    const kind = await chooseLimits((pid, signal) => void process.kill(pid, signal));
    bench.say(`  limits by ${kind.name}`);
    const found: number[] = [];
    for (let sample = 0; sample < (bench.quick ? 10 : 100); sample++) {
      const child = spawn('sleep', ['100'], { stdio: 'ignore' });
      await once(child, 'spawn');
      const id = newId<SessionId>({ now: Date.now, randomBytes: (length) => new Uint8Array(randomBytes(length)) });
      const hold = kind.hold(id, LIMITS);
      const began = performance.now();
      await hold.add(child.pid ?? 0);
      found.push(performance.now() - began);
      const gone = once(child, 'exit');
      await hold.killAll();
      child.kill('SIGKILL');
      await gone;
    }
    const row = (measure: string, part: number): Row => ({
      stage: this.name,
      measure,
      unit: 'ms',
      ours: quantile(found, part),
      peers: {},
      target: { limit: 'at-most', of: 10 },
    });
    return [row(`a start with limits (${kind.name}), more than without, p50`, 0.5), row('… p95', 0.95)];
  },
};
