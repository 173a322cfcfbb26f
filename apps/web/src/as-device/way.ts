/**
 * Whether this browser is one of the user's devices, and what it takes to be one, loaded only then.
 *
 * 1. That it is one is noted where it can be read at once; the key and all else is in the browser's own store.
 * 2. Each page has connections of its own, and at most `LIMITS.pagesMax` of them do: one further says that there are too
 *    many. What one page joins the others are from then on, too.
 */
import type { Client } from '@markco/client';
import type { AsDevice, Way } from '@markco/client/mesh/with-devices';
import { Failure, LIMITS, type IdSource, type PairingHere } from '@markco/protocol';
import { browserName } from './browser-name.ts';

const NOTED = 'is-device';
const JOIN_MS = 10 * 60_000;

export type WayParts = {
  readonly server: Pick<Client, 'api'>;
  readonly ids: IdSource;
  readonly storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
  /** Absent where a browser keeps no keys either. */
  readonly locks: LockManager | undefined;
  readonly window: Pick<Window, 'addEventListener'> & {
    readonly location: Pick<Location, 'origin'>;
    readonly navigator: Pick<Navigator, 'userAgent'>;
    readonly document: Pick<Document, 'hidden' | 'addEventListener'>;
  };
};

export function createWay({ server, ids, storage, locks, window }: WayParts): Way {
  const listeners = new Set<() => void>();
  let joining: PairingHere['joining'];
  let opened: Promise<AsDevice> | undefined;
  const parts = {
    ids,
    origin: window.location.origin,
    door: () => server.api('peerDoor', {}),
    about: browserName(window.navigator.userAgent),
  };

  async function load(): Promise<AsDevice> {
    const mesh = await import('@markco/client/mesh/browser/index');
    const kept = await mesh.readKeptDevice();
    if (kept === undefined) {
      storage.removeItem(NOTED);
      throw new Failure('not_ready', 'This browser is none of your devices any more: it lost its key. Add it again.');
    }
    const release = await takePlace(locks);
    try {
      const opening = await mesh.openThisDevice(parts, kept);
      const device = { ...opening, close: () => opening.close().finally(release) };
      return { device, runs: mesh.createRunsThere(device, ids) };
    } catch (error) {
      release();
      throw error;
    }
  }

  function open(): Promise<AsDevice> {
    opened ??= load().catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  }

  async function join(code: string): Promise<void> {
    const { joinDevices } = await import('@markco/client/mesh/browser/index');
    const onCheck = (check: { readonly words: string; readonly symbols: string }): void => {
      joining = { state: 'agreed', check };
    };
    await joinDevices(parts, code, onCheck, AbortSignal.timeout(JOIN_MS));
    // Other pages hear of it when it changes.
    storage.removeItem(NOTED);
    storage.setItem(NOTED, '1');
    await becomeAnew();
  }

  async function becomeAnew(): Promise<void> {
    const before = opened;
    opened = undefined;
    await before?.then(
      ({ device }) => device.close(),
      () => undefined,
    );
    await open();
    for (const listener of listeners) listener();
  }

  const wake = (): void => {
    if (opened !== undefined && !window.document.hidden)
      opened.then(
        ({ device }) => device.wake(),
        () => undefined,
      );
  };
  window.addEventListener('online', wake);
  window.addEventListener('storage', ({ key, newValue }) => {
    // Who asks for a run is told why there is no way.
    if (key === NOTED && newValue === '1') becomeAnew().catch(() => undefined);
  });
  window.document.addEventListener('visibilitychange', wake);

  return {
    isDevice: () => storage.getItem(NOTED) === '1',
    open,
    joining: () => joining,
    join(code) {
      if (joining?.state === 'waiting' || joining?.state === 'agreed') return;
      joining = { state: 'waiting' };
      join(code).then(
        () => void (joining = { state: 'joined' }),
        (error: unknown) => void (joining = { state: 'failed', why: Failure.from(error).message }),
      );
    },
    onJoined(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** One of the places that there are for pages of this browser. Answers how to give it back; a page that ends does so, too. */
async function takePlace(locks: LockManager | undefined): Promise<() => void> {
  for (let place = 0; place < LIMITS.pagesMax; place++) {
    const taken = Promise.withResolvers<boolean>();
    const given = Promise.withResolvers<void>();
    if (locks === undefined) return given.resolve;
    locks
      .request(`${NOTED}-${place}`, { ifAvailable: true }, (lock) => {
        taken.resolve(lock !== null);
        return lock === null ? undefined : given.promise;
      })
      .catch(taken.reject);
    if (await taken.promise) return given.resolve;
  }
  throw new Failure(
    'not_ready',
    `MarkCo is open in more than ${LIMITS.pagesMax} tabs of this browser, and so many reach your devices at once. Close one of the others, then try again.`,
  );
}
