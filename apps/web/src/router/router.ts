/** Where the page is, as a signal that follows the address bar and leads it. */
import { signal, type ReadonlySignal } from '@preact/signals';
import { formatPlace, parsePlace, type Place } from './route.ts';

export type Router = {
  readonly place: ReadonlySignal<Place>;
  /** `replace`: the place left cannot be gone back to (it was renamed, or was only a way here). */
  go(place: Place, how?: 'push' | 'replace'): void;
};

/** @param base below which all of the page's addresses are */
export function createRouter(window: Window, base = ''): Router {
  const read = (): Place => parsePlace(window.location.pathname.slice(base.length), window.location.hash);
  const place = signal<Place>(read());
  const follow = (): void => {
    place.value = read();
  };
  window.addEventListener('popstate', follow);
  window.addEventListener('hashchange', follow);
  return {
    place,
    go(next, how = 'push') {
      const address = formatPlace(next);
      if (formatPlace(place.peek()) === address) return;
      if (how === 'replace') window.history.replaceState(null, '', base + address);
      else window.history.pushState(null, '', base + address);
      place.value = next;
    },
  };
}
