import { expect, test } from 'vitest';
import { eventsOf, testDevice } from './runs.fixture.ts';

test('runs start in the order in which they were submitted, also when the first takes longest to be accepted', async () => {
  let asked = 0;
  await using device = await testDevice({
    place: async () => {
      asked++;
      for (let turn = asked; turn < 6; turn++) await new Promise(setImmediate);
      return { hostType: 'device', reason: 'session-affinity' };
    },
  });
  const requests = ['made = [1]', 'made += [2]', 'made += [3]', 'made'].map((code) => device.request(code));
  await Promise.all(requests.map((request) => device.runs.submit(request)));
  const last = (await eventsOf(device.runs, requests.at(-1)?.id ?? expect.unreachable())).at(-1);
  expect(last).toMatchObject({ type: 'result', payload: { data: { 'text/plain': '[1, 2, 3]' } } });
});
