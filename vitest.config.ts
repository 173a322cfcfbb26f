/**
 * The tests, by what they need. `unit`: beside the code they test; `mocked`: those of them with modules or a clock of their own.
 * `conformance`: the public contract against a running device. `failure`: killed processes, full disks. `browser`:
 * Chromium. `network`: routers between devices. `timed`: those of `conformance` and `failure` that measure, or take all there is. A test that
 * needs something this machine lacks says so with `context.skip(reason)`.
 *
 * Of `timed` one test at a time has the machine to itself; the others run mixed, so that nobody waits for the last of a
 * group, and the processors have something to do while a network test waits for what was cut to be missed.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { LongFirst } from './setup/long-first.ts';
import { createSummaryReporter } from './setup/summary-reporter.ts';

const timed = ['failure/device/hogs', 'failure/mesh/flood'].map((name) => `test/${name}.test.ts`);
const besideCode = '{packages,apps}/*/src/**/*.test.{ts,tsx}';
/**
 * Tests that put something else in the place of a module or of the clock: each alone in a process, where nothing has
 * loaded that module yet, and nothing that another test left behind goes on by their clock.
 */
const mocked = globSync(besideCode, { cwd: import.meta.dirname }).filter((file) =>
  /\bvi\.(mock|useFakeTimers)\(/.test(readFileSync(join(import.meta.dirname, file), 'utf8')),
);

export default defineConfig({
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  test: {
    pool: 'forks',
    // What tests make lives shortly: in a larger nursery it costs a fifth less.
    execArgv: ['--max-semi-space-size=64'],
    passWithNoTests: false,
    // What failed once may not fail again: it is said whole.
    chaiConfig: { truncateThreshold: 4_000 },
    // A database takes long to stop on a busy machine.
    hookTimeout: 60_000,
    sequence: { sequencer: LongFirst },
    // Devices of tests leave nothing in the keychain of whoever runs them, nor in their folder: those to which projects
    // come say where.
    env: { MARKCO_KEYS: 'file', MARKCO_PROJECTS: '/dev/null/told-by-the-test' },
    reporters: [
      'default',
      createSummaryReporter({
        write: (line) => process.stdout.write(`${line}\n`),
        fail: () => {
          process.exitCode = 1;
        },
      }),
    ],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [besideCode, 'setup/**/*.test.ts', 'test/tidy.test.ts', 'test/bench/*.test.ts'],
          exclude: mocked,
          maxWorkers: 2,
          // Loading vitest and what is tested takes longer than most of these files: one process runs many of them, so
          // each leaves what is global as it found it.
          isolate: false,
          sequence: { groupOrder: 0 },
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'mocked',
          maxWorkers: 2,
          include: mocked,
          sequence: { groupOrder: 0 },
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'conformance',
          maxWorkers: 2,
          include: ['test/conformance/**/*.test.ts'],
          exclude: timed,
          sequence: { groupOrder: 0 },
          testTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'failure',
          maxWorkers: 2,
          include: ['test/failure/**/*.test.ts'],
          exclude: timed,
          sequence: { groupOrder: 0 },
          testTimeout: 300_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          maxWorkers: 2,
          include: ['test/browser/**/*.test.ts'],
          // One browser for many files, and mostly one device.
          isolate: false,
          sequence: { groupOrder: 0 },
          testTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'timed',
          maxWorkers: 1,
          fileParallelism: false,
          include: timed,
          sequence: { groupOrder: 1 },
          testTimeout: 300_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'network',
          maxWorkers: 2,
          include: ['test/network/**/*.test.ts'],
          sequence: { groupOrder: 0 },
          testTimeout: 300_000,
        },
      },
    ],
  },
});
