/** The driver process, seen from the bench: one job at a time. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Jobs } from './driver/main.ts';

export type Driver = {
  readonly pid: number;
  /** Rejects when the clients could not do it, as when the server closed their connections. */
  run<J extends keyof Jobs>(job: J, input: Parameters<Jobs[J]>[0]): Promise<Awaited<ReturnType<Jobs[J]>>>;
  close(): Promise<void>;
};

export function startDriver(): Driver {
  const child = fork(join(import.meta.dirname, 'driver/main.ts'), [], { execArgv: ['--max-old-space-size=4096'] });
  return {
    pid: child.pid ?? 0,
    async run(job, input) {
      child.send({ job, input });
      const [answer] = (await once(child, 'message')) as [{ result: never; error?: string }];
      if (answer.error !== undefined) throw new Error(`${job}: ${answer.error}`);
      return answer.result;
    },
    async close() {
      if (child.exitCode !== null) return;
      const gone = once(child, 'exit');
      child.disconnect();
      await gone;
    },
  };
}
