/** For tests: where a host that carries a run can be killed. */
export const POINTS = [
  'after `queued` is on disk',
  'before the worker is started',
  'after the worker is started',
  'before `running` is on disk',
  'after `running` is on disk',
  'after the first event',
  'before the end is on disk',
  'after the end is on disk',
] as const;
export type Point = (typeof POINTS)[number];
