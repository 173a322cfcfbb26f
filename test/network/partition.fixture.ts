/** For tests: who does not hear whom for a while, among devices in networks of their own. */
import type { LabDevice } from './device.fixture.ts';

/** What `from` sends does not arrive at `to`. */
export type Cut = { readonly from: LabDevice; readonly to: LabDevice };

export const any = <T>(random: () => number, of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;

/** In turn: between two, one that nobody else hears, one from all others. */
export function partition(at: number, random: () => number, devices: readonly LabDevice[]): readonly Cut[] {
  const from = any(random, devices);
  const others = devices.filter((each) => each !== from);
  const to = any(random, others);
  if (at % 3 === 0)
    return [
      { from, to },
      { from: to, to: from },
    ];
  if (at % 3 === 1) return others.map((other) => ({ from, to: other }));
  return others.flatMap((other) => [
    { from, to: other },
    { from: other, to: from },
  ]);
}

export async function setCut(cuts: readonly Cut[], isCut: boolean): Promise<void> {
  for (const { from, to } of cuts) await to.machine.setDeaf(from.machine, isCut);
}
