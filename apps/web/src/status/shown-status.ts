/**
 * What the status line shows of a document's safety: what is so, except that "saved" is said once typing pauses. While
 * somebody types it would change twice a key, which nobody can read, and each change would draw the page again.
 *
 * 1. What is no longer so is never shown: only "saved" waits, and what stands there meanwhile says less than is true.
 */
import { effect, signal, type ReadonlySignal } from '@preact/signals';
import type { SaveStatus } from './save-status.ts';

const PAUSE_MS = 250;

export function createShownStatus(
  actual: ReadonlySignal<SaveStatus | undefined>,
): ReadonlySignal<SaveStatus | undefined> {
  const shown = signal(actual.peek());
  effect(() => {
    const next = actual.value;
    if (isSame(next, shown.peek())) return undefined;
    if (next?.kind !== 'saved' || shown.peek()?.kind !== 'saving') {
      shown.value = next;
      return undefined;
    }
    const timer = setTimeout(() => (shown.value = next), PAUSE_MS);
    return () => clearTimeout(timer);
  });
  return shown;
}

const isSame = (left: SaveStatus | undefined, right: SaveStatus | undefined): boolean =>
  JSON.stringify(left) === JSON.stringify(right);
