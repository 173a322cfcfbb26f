/** One call for all that have something to write at the end of a turn: a document's readers are written to together. */
export type Flushed = { flush(): void };

export function createTurnEnd(): (one: Flushed) => void {
  let waiting: Flushed[] = [];

  function flush(): void {
    const all = waiting;
    waiting = [];
    for (const one of all) one.flush();
  }

  return (one) => {
    if (waiting.push(one) === 1) queueMicrotask(flush);
  };
}
