/**
 * Virtual time: what happens when, in order; nothing waits for a real clock. Of two things at the same moment the one
 * that was put down first happens first, so that a seed gives one history.
 */
type Entry<Happening> = { readonly atMs: number; readonly order: number; readonly happening: Happening };

export type Timeline<Happening> = ReturnType<typeof createTimeline<Happening>>;

export function createTimeline<Happening>() {
  /** A binary heap: each entry is before its two children, at 2n + 1 and 2n + 2. */
  const heap: Entry<Happening>[] = [];
  let nowMs = 0;
  let puts = 0;

  const isBefore = (a: Entry<Happening>, b: Entry<Happening>) =>
    a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

  function rise(entry: Entry<Happening>): void {
    let at = heap.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || isBefore(parent, entry)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = entry;
  }

  function sink(entry: Entry<Happening>): void {
    let at = 0;
    for (;;) {
      const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]];
      if (left === undefined) break;
      const isRight = right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (isBefore(entry, child)) break;
      heap[at] = child;
      at = 2 * at + (isRight ? 2 : 1);
    }
    heap[at] = entry;
  }

  return {
    now: () => nowMs,
    after(delayMs: number, happening: Happening): void {
      rise({ atMs: nowMs + Math.max(0, delayMs), order: puts++, happening });
    },
    /** What happens next; time is then at its moment. Undefined when nothing will. */
    next(): Happening | undefined {
      const first = heap[0];
      const last = heap.pop();
      if (first === undefined || last === undefined) return undefined;
      if (last !== first) sink(last);
      nowMs = first.atMs;
      return first.happening;
    },
  };
}
