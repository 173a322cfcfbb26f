/**
 * What is sent on the channels of a connection in one turn leaves together, in messages of a bounded size. The first
 * of a document after a silence leaves at once: a key that somebody pressed waits neither for the turn to end nor for
 * company.
 */
import { CONTROL_CHANNEL, encodeEntries, type Entry } from '@markco/protocol';

/** Entries of one message, and their bytes where there are several; of more there are several messages. */
export const ENTRIES_MAX = 10_000;
const GROUP_BYTES_MAX = 1024 * 1024;
const QUIET_MS = 2;

/** @param now milliseconds that never go back */
export function gatherEntries(
  write: (message: Uint8Array) => void,
  now: () => number = () => performance.now(),
): (channel: number, payload: Uint8Array) => void {
  let entries: Entry[] = [];
  let wroteAt = Number.NEGATIVE_INFINITY;
  return (channel, payload) => {
    if (entries.length === 0) {
      const at = now();
      const isQuiet = at - wroteAt > QUIET_MS && channel !== CONTROL_CHANNEL;
      wroteAt = at;
      if (isQuiet) return write(encodeEntries([{ channel, payload }]));
      queueMicrotask(() => {
        const together = entries;
        entries = [];
        for (const group of groupsOf(together)) write(encodeEntries(group));
      });
    }
    entries.push({ channel, payload });
  };
}

/** An entry may be as large as a message, but several are not gathered into one that is larger. */
function* groupsOf(entries: readonly Entry[]): Generator<readonly Entry[]> {
  let group: Entry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    if (group.length >= ENTRIES_MAX || (group.length > 0 && bytes + entry.payload.length > GROUP_BYTES_MAX)) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(entry);
    bytes += entry.payload.length;
  }
  yield group;
}
