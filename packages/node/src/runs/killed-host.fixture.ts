/** A host in a process of its own, to be killed: `killed-host.fixture.ts HOME REQUEST_JSON` submits one run and prints `accepted`. */
import path from 'node:path';
import { argv, stdout } from 'node:process';
import type { RunRequest } from './runs.ts';
import { eventsOf, fileStore, testDevice } from './runs.fixture.ts';

const [home = '', request = ''] = argv.slice(2);
const device = await testDevice({ home, store: fileStore(path.join(home, 'rows')) });
const parsed = JSON.parse(request) as RunRequest;
await device.runs.submit(parsed);
stdout.write('accepted\n');
await eventsOf(device.runs, parsed.id);
