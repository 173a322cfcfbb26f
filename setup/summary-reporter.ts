/**
 * What a test run ends with: every skipped test with its reason, every test that failed, what failed outside any test, then one line
 * `N passed, N failed` (`, N skipped` when any), which people and CI read. A run in which nothing ran is a failure.
 */
import type { Reporter, TestCase, TestModule } from 'vitest/node';

export type Tally = {
  readonly passed: number;
  /** The tests that failed, each as `FILE > NAME`. */
  readonly failed: readonly string[];
  /** Without a reason: not selected by the names that were asked for. */
  readonly skipped: readonly { readonly name: string; readonly reason: string | undefined }[];
  /** Failures that belong to no test: a file that does not load, a hook, an error nobody caught. */
  readonly stray: readonly string[];
};

/** The lines a run ends with; the last one is the line that is read. */
export function summaryLines(tally: Tally): readonly string[] {
  const lines: string[] = [];
  if (tally.skipped.length > 0) {
    lines.push('Skipped:');
    for (const { name, reason } of tally.skipped) if (reason !== undefined) lines.push(`  ${name}: ${reason}`);
    const unselected = tally.skipped.filter(({ reason }) => reason === undefined).length;
    if (unselected > 0) lines.push(`  ${unselected} that were not selected`);
  }
  for (const name of tally.failed) lines.push(`Failed: ${name}`);
  for (const text of tally.stray) lines.push(`Failed outside a test: ${text}`);
  const failed = tally.failed.length + tally.stray.length;
  const nothingRan = tally.passed + failed === 0;
  if (nothingRan) lines.push('Nothing ran, so nothing was shown to work.');
  const skipped = tally.skipped.length > 0 ? `, ${tally.skipped.length} skipped` : '';
  lines.push(`${tally.passed} passed, ${nothingRan ? 1 : failed} failed${skipped}`);
  return lines;
}

/** The reporter; `write` takes one line, `fail` makes the process end with an error. */
export function createSummaryReporter(parts: { write(line: string): void; fail(): void }): Reporter {
  return {
    onTestRunEnd(modules, unhandled) {
      const tally = count(
        modules,
        unhandled.map((error) => firstLine(error.message)),
      );
      const lines = summaryLines(tally);
      if (tally.failed.length + tally.stray.length > 0 || tally.passed === 0) parts.fail();
      for (const line of lines) parts.write(line);
    },
  };
}

function count(modules: readonly TestModule[], unhandled: readonly string[]): Tally {
  let passed = 0;
  const failed: string[] = [];
  const skipped: { name: string; reason: string | undefined }[] = [];
  const stray = [...unhandled];
  for (const module of modules) {
    for (const error of module.errors()) stray.push(`${module.relativeModuleId}: ${firstLine(error.message)}`);
    for (const suite of module.children.allSuites()) {
      for (const error of suite.errors())
        stray.push(`${module.relativeModuleId} > ${suite.fullName}: ${firstLine(error.message)}`);
    }
    for (const test of module.children.allTests()) {
      const result = test.result();
      if (result.state === 'passed') passed += 1;
      else if (result.state === 'skipped') skipped.push({ name: nameOf(module, test), reason: result.note });
      else failed.push(nameOf(module, test));
    }
  }
  return { passed, failed, skipped, stray };
}

const nameOf = (module: TestModule, test: TestCase) => `${module.relativeModuleId} > ${test.fullName}`;
const firstLine = (text: string | undefined) => (text ?? 'an error without a message').split('\n', 1)[0] ?? '';
