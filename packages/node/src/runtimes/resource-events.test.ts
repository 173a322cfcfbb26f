import { expect, test } from 'vitest';
import { createResourceWatch } from './resource-events.ts';

const MB = 1024 * 1024;
const used = (percent: number) => ({ memoryBytes: percent * MB, cpuMs: 0, processes: 1 });

test('each level is said once as it is come to, and what people can do about it from 75 % on', () => {
  const look = createResourceWatch({ memoryBytes: 100 * MB });
  const said = [10, 49, 50, 60, 75, 80, 90, 95, 99].map((percent) => look(used(percent))?.event ?? null);
  expect(said).toEqual([null, null, 'pre-provision', null, 'migrate', null, 'urgent-migrate', 'critical', null]);
});

test('a jump says the highest level alone, and who sinks below one and comes back hears of it again', () => {
  const look = createResourceWatch({ memoryBytes: 100 * MB });
  expect(look(used(96))).toMatchObject({ event: 'critical', percent: 96 });
  expect(look(used(96))).toBeNull();
  expect(look(used(60))).toBeNull();
  expect(look(used(76))).toMatchObject({
    event: 'migrate',
    told: 'This session uses 76 % of the 100 MB that it may have. Over it, it ends.',
  });
});

test('one that wavers at a level says it once, and one that ended begins anew', () => {
  const look = createResourceWatch({ memoryBytes: 100 * MB });
  expect([50, 48, 50, 46, 51].map((percent) => look(used(percent))?.event ?? null)).toEqual([
    'pre-provision',
    null,
    null,
    null,
    null,
  ]);
  expect(look(null)).toBeNull();
  expect(look(used(50))?.event).toBe('pre-provision');
});
