/** What Linux says about memory, as it says it. */
import { expect, test } from 'vitest';
import { groupFolders, parseGroup, parseMeminfo, withinGroups } from './memory.ts';

const MB = 1024 * 1024;
const MEMINFO = `MemTotal:       16303428 kB
MemFree:          812344 kB
MemAvailable:    9341216 kB
Buffers:          402144 kB
`;

test('what is available counts, not what is empty; an old kernel knows only the latter', () => {
  expect(parseMeminfo(MEMINFO)).toEqual({ totalMb: 15_921, freeMb: 9_122 });
  expect(parseMeminfo(MEMINFO.replace(/^MemAvailable.*\n/m, ''))).toEqual({ totalMb: 15_921, freeMb: 793 });
  expect(parseMeminfo('')).toBeNull();
});

test('a group has its limit, and what files take up in it counts as free', () => {
  expect(parseGroup('1073741824\n', '805306368\n', 'anon 1\ninactive_file 268435456\n')).toEqual({
    limit: 1024 * MB,
    used: 512 * MB,
  });
  expect(parseGroup('1073741824', '805306368', 'inactive_file 1\ntotal_inactive_file 268435456\n')).toEqual({
    limit: 1024 * MB,
    used: 512 * MB,
  });
  expect(parseGroup('max\n', '5\n', '')).toBeNull();
  expect(parseGroup(null, null, null)).toBeNull();
  expect(parseGroup('100', null, null)).toEqual({ limit: 100, used: 0 });
});

test('the smallest of the machine and its groups counts', () => {
  const machine = { totalMb: 16_000, freeMb: 9_000 };
  const none = { limit: 9_223_372_036_854_771_712, used: 0 };
  expect(withinGroups(machine, [])).toEqual(machine);
  expect(withinGroups(machine, [none])).toEqual(machine);
  expect(withinGroups(machine, [{ limit: 2_000 * MB, used: 500 * MB }, none])).toEqual({
    totalMb: 2_000,
    freeMb: 1_500,
  });
  // A neighbor in the group around this one leaves less.
  expect(
    withinGroups(machine, [
      { limit: 2_000 * MB, used: 0 },
      { limit: 3_000 * MB, used: 2_900 * MB },
    ]),
  ).toEqual({ totalMb: 2_000, freeMb: 100 });
  expect(withinGroups(machine, [{ limit: 100 * MB, used: 150 * MB }])).toEqual({ totalMb: 100, freeMb: 0 });
});

test('groups are looked for from the innermost outward, in both versions, and nowhere else', () => {
  expect(groupFolders('0::/user.slice/app.scope\n')).toEqual(
    ['/user.slice/app.scope', '/user.slice', ''].map((own) => ({ folder: `/sys/fs/cgroup${own}`, version: 2 })),
  );
  expect(groupFolders('5:cpu,memory:/docker/abc\n4:pids:/docker/abc\n1:name=systemd:/x\n')).toEqual(
    ['/docker/abc', '/docker', ''].map((own) => ({ folder: `/sys/fs/cgroup/memory${own}`, version: 1 })),
  );
  expect(groupFolders('0::/../../etc\n')).toEqual([]);
  expect(groupFolders('')).toEqual([]);
  expect(groupFolders(`0::${'/a'.repeat(1_000)}\n`).length).toBeLessThanOrEqual(33);
});
