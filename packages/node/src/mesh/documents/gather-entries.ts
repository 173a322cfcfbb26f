/** What is sent on the channels of a connection in one turn leaves together, in messages of a bounded size. */
import { encodeEntries, type Entry } from '@markco/protocol';

/** Entries of one message, and their bytes where there are several; of more there are several messages. */
export const ENTRIES_MAX = 10_000;
const GROUP_BYTES_MAX = 1024 * 1024;

export function gatherEntries(write: (message: Uint8Array) => void): (channel: number, payload: Uint8Array) => void {
  let entries: Entry[] = [];
  return (channel, payload) => {
    if (entries.length === 0)
      queueMicrotask(() => {
        const together = entries;
        entries = [];
        for (const group of groupsOf(together)) write(encodeEntries(group));
      });
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
