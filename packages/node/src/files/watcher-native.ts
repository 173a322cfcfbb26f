/** Notices from the system (inotify, FSEvents, ReadDirectoryChanges), by way of @parcel/watcher. */
import { realpathSync } from 'node:fs';
import { sep } from 'node:path';
import parcel from '@parcel/watcher';
import type { Watcher } from './watcher.ts';

/** What is never looked at, so that a build in there costs nothing. */
const IGNORED = ['**/.*', '**/.*/**', '**/node_modules/**', '**/__pycache__/**'];

export const nativeWatcher: Watcher = {
  async open(root, listener) {
    const home = realpathSync(root);
    const subscription = await parcel.subscribe(
      home,
      (error, events) => {
        if (error !== null) {
          if (/dropped|rescan|overflow/i.test(error.message)) listener.lost();
          else listener.failed(error);
          return;
        }
        const paths = events
          .filter(({ path }) => path.startsWith(home + sep))
          .map(({ path }) => path.slice(home.length + 1).replaceAll(sep, '/'));
        if (paths.length > 0) listener.changed(paths);
      },
      { ignore: IGNORED },
    );
    return { close: () => subscription.unsubscribe() };
  },
};
