/**
 * The order of test files: those that take longest begin first, so that in the end nobody waits for one of them alone.
 * Those that share a process come last, one project after the other: another file between two of them would end it.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Vitest takes the largest file for the longest test where it has not seen them run, and these are short to read. */
const LONG = [
  'failure/documents/kill',
  'failure/mesh/revoked',
  'failure/device/restart',
  'failure/device/placed-once',
  'failure/device/events',
  'failure/device/events-elsewhere',
  'browser/accessible',
  'replica/src/documents/power-loss',
  'node/src/mesh/placing/once',
  'node/src/listen/convergence',
  'node/src/runtimes/jupyter/session',
  'node/src/runs/kill',
  'node/src/files/files-disk',
];

export class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification): boolean =>
      LONG.some((name) => moduleId.endsWith(`${name}.test.ts`));
    const sorted = await super.sort(files);
    const longFirst = [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
    const shares = ({ project }: TestSpecification): boolean => !project.config.isolate;
    const sharing = Map.groupBy(longFirst.filter(shares), ({ project }) => project);
    return [...longFirst.filter((file) => !shares(file)), ...[...sharing.values()].flat()];
  }
}
