/** An amount that is spent, and fills again with time up to a most. */
export type Bucket = {
  /** Milliseconds until `amount` is there, or all that ever is; 0 when it is there now. */
  wait(amount: number): number;
  /** Takes it whether it is there or not: a single thing larger than the most is paid back before the next. */
  spend(amount: number): void;
  /** False, and nothing is taken, when there is less. */
  take(amount: number): boolean;
  fill(amount: number): void;
};

/** @param now milliseconds that never go back */
export function createBucket(perSecond: number, most: number, now: () => number): Bucket {
  let left = most;
  let at = now();

  function refill(): void {
    const since = Math.max(0, now() - at);
    at += since;
    left = Math.min(most, left + (since / 1_000) * perSecond);
  }

  return {
    wait(amount) {
      refill();
      const lacking = Math.min(amount, most) - left;
      return lacking <= 0 ? 0 : Math.ceil((lacking / perSecond) * 1_000);
    },
    spend(amount) {
      refill();
      left -= amount;
    },
    take(amount) {
      refill();
      if (left < amount) return false;
      left -= amount;
      return true;
    },
    fill(amount) {
      refill();
      left = Math.min(most, left + amount);
    },
  };
}
