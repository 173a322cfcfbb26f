/**
 * A host in a process of its own, to be killed: `killed-host.fixture.ts HOME REQUEST_JSON [POINT]` submits one run and
 * prints `accepted`. At POINT, one of those in `points.fixture.ts`, it kills itself.
 */
import path from 'node:path';
import process, { argv, stdout } from 'node:process';
import { runMachine } from '@markco/protocol';
import type { RunRow } from './journal.ts';
import type { Point } from './points.fixture.ts';
import type { RunRequest } from './runs.ts';
import { eventsOf, fileStore, quiet, testDevice } from './runs.fixture.ts';

const [home = '', request = '', point = ''] = argv.slice(2);

function reached(here: Point): void {
  if (here === point) process.kill(process.pid, 'SIGKILL');
}

const rows = fileStore(path.join(home, 'rows'));
const device = await testDevice({
  home,
  store: {
    ...rows,
    async put(id, value, options) {
      const { state } = (JSON.parse(new TextDecoder().decode(value)) as RunRow).run;
      const isEnd = runMachine.isTerminal(state);
      if (state === 'running') reached('before `running` is on disk');
      if (isEnd) reached('before the end is on disk');
      await rows.put(id, value, options);
      if (state === 'queued') reached('after `queued` is on disk');
      if (state === 'running') reached('after `running` is on disk');
      if (isEnd) reached('after the end is on disk');
    },
  },
  log: {
    ...quiet,
    info(event, fields) {
      if (event !== 'session.state') return;
      if (fields['to'] === 'starting') reached('before the worker is started');
      if (fields['to'] === 'running') reached('after the worker is started');
    },
  },
});
const parsed = JSON.parse(request) as RunRequest;
await device.runs.submit(parsed);
stdout.write('accepted\n');
for await (const event of device.runs.follow(parsed.id, 0, AbortSignal.timeout(60_000)))
  if (event.seq === 0) reached('after the first event');
await eventsOf(device.runs, parsed.id);
