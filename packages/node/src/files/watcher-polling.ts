/**
 * Looks through the whole folder again and again, for where the system has no notices to give (network drives, too
 * few inotify watches). Waits ten times as long as a look takes, so that it never costs more than a tenth of a core.
 */
import type { Timer } from './timer.ts';
import type { Watcher } from './watcher.ts';

const PAUSE_MS_MIN = 1_000;

/** @param scan looks through the folder and takes in what it finds */
export function createPollingWatcher({
  timer,
  scan,
}: {
  readonly timer: Timer;
  readonly scan: () => Promise<void>;
}): Watcher {
  return {
    async open(_root, listener) {
      let isClosed = false;
      let looking: Promise<void> = Promise.resolve();
      const look = async (): Promise<void> => {
        const startedAt = timer.now();
        await scan().catch(listener.failed);
        if (!isClosed) cancel = timer.after(Math.max(PAUSE_MS_MIN, 10 * (timer.now() - startedAt)), again);
      };
      const again = (): void => {
        looking = look();
      };
      let cancel = timer.after(PAUSE_MS_MIN, again);
      return {
        async close() {
          isClosed = true;
          cancel();
          await looking;
        },
      };
    },
  };
}
