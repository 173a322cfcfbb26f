/**
 * Milliseconds that go on while the machine sleeps: claims and grants last seconds, and a lid can close between them.
 *
 * Node's monotonic clock stands still in sleep, the wall clock can be set back. The larger of both steps is taken: a wall
 * clock that is set forward makes more time pass than did, which only makes a claim void.
 */
export function createAwakeClock(wall: () => number, monotonic: () => number = () => performance.now()): () => number {
  let passed = 0;
  let before = { wall: wall(), monotonic: monotonic() };
  return () => {
    const now = { wall: wall(), monotonic: monotonic() };
    passed += Math.max(0, now.wall - before.wall, now.monotonic - before.monotonic);
    before = now;
    return passed;
  };
}
