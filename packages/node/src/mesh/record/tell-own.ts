/**
 * Keeps what the mesh record says of this device as it is: looked at again when something changed here, all that came
 * together in one go. Nothing is looked at on a clock.
 */
import { writeOwn, type Own } from './own.ts';
import type { MeshRecord } from './record.ts';

export type TellOwn = {
  /** Something changed here. Resolves once the record says so, on disk; rejects with why it does not. */
  tell(): Promise<void>;
};

export function createTellOwn(parts: {
  readonly record: Pick<MeshRecord, 'change'>;
  readonly own: () => Promise<Own>;
}): TellOwn {
  let next: Promise<void> | undefined;
  let current: Promise<unknown> = Promise.resolve();

  async function write(): Promise<void> {
    // What comes from here on is for the one after.
    next = undefined;
    const own = await parts.own();
    await parts.record.change((draft) => writeOwn(draft, own));
  }

  return {
    tell() {
      next ??= current.then(write);
      current = next.catch(() => undefined);
      return next;
    },
  };
}
