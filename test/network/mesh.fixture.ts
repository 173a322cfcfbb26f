/** For tests: devices on machines of a lab that is there for the time of one test, and gone after it. */
import { test as base } from 'vitest';
import { labDevice, type LabDevice } from './device.fixture.ts';
import { openLab, type Lab, type Machine, type NatKind } from './lab.ts';

type Fixtures = {
  /** A machine with nothing on it. */
  readonly lab: (kind: NatKind) => Promise<Machine>;
  readonly device: (name: string, kind: NatKind) => Promise<LabDevice>;
};

export const test = base.extend<Fixtures>({
  lab: async ({}, use) => {
    await using stack = new AsyncDisposableStack();
    let lab: Lab | null = null;
    await use(async (kind) => {
      lab ??= stack.use(await openLab());
      return lab.machine(kind);
    });
  },
  device: async ({ lab }, use) => {
    await using stack = new AsyncDisposableStack();
    await use(async (name, kind) => stack.use(await labDevice(await lab(kind), name)));
  },
});

/** Why a long test is left out; null when it is wanted. */
export const whyNotAll = (): string | null =>
  process.env['MARKCO_LAB'] === 'all' ? null : 'it takes minutes; MARKCO_LAB=all runs it';

/** What was measured, for who reads along. */
export const say = (text: string): void => void process.stdout.write(`${text}\n`);
