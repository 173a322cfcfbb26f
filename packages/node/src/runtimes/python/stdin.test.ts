import { expect, test } from 'vitest';
import { testDevice } from '../../runs/runs.fixture.ts';

/** The thread that asked is kept from going on for a while, as on a machine with much to do. */
const ASKS = `import sys, time
questions = sys.stdin._questions
emit = questions._emit
def slowly(kind, payload):
    emit(kind, payload)
    if kind == "stdin-request": time.sleep(0.5)
questions._emit = slowly
print("hello", input("Name? "))`;

test('an answer that comes at once is taken, though who asked has not come back from asking', async () => {
  const device = await testDevice();
  const run = await device.runs.submit(device.request(ASKS));
  const said: string[] = [];
  for await (const event of device.runs.follow(run.id, 0, AbortSignal.timeout(20_000))) {
    said.push(event.type === 'stdout' ? event.payload.text : event.type);
    if (event.type === 'stdin-request') await device.runs.input(run.id, 'Ada', AbortSignal.timeout(5_000));
  }
  expect(said).toEqual(['stdin-request', 'stdin-response', 'hello Ada\n', 'result']);
});
