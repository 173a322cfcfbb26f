/** What the dialog of links shows and does. What went wrong is told, and the list is asked for again after a change. */
import type { Api, CallInput } from '@markco/client';
import { Failure, type Share } from '@markco/protocol';
import { batch, signal, type ReadonlySignal } from '@preact/signals';

export type Wanted = CallInput<'share'>['body'];

export type SharesHere = {
  /** `undefined` until they are known. */
  readonly list: ReadonlySignal<readonly Share[] | undefined>;
  readonly trouble: ReadonlySignal<string>;
  readonly busy: ReadonlySignal<boolean>;
  /** The address of the link that was made last. */
  readonly made: ReadonlySignal<string | undefined>;
  read(): Promise<void>;
  make(projectId: string, wanted: Wanted): Promise<void>;
  /** Resolves to whether it is revoked. */
  revoke(id: string): Promise<boolean>;
};

export function createShares(api: Api): SharesHere {
  const list = signal<readonly Share[] | undefined>(undefined);
  const trouble = signal('');
  const busy = signal(false);
  const made = signal<string | undefined>(undefined);

  async function attempt(work: () => Promise<unknown>): Promise<boolean> {
    batch(() => {
      trouble.value = '';
      busy.value = true;
    });
    let isDone = false;
    try {
      await work();
      isDone = true;
      list.value = (await api('shares', {})).shares;
    } catch (error) {
      trouble.value = Failure.from(error).message;
    }
    busy.value = false;
    return isDone;
  }

  return {
    ...{ list, trouble, busy, made },
    read: async () => void (await attempt(() => Promise.resolve())),
    make: async (id, body) =>
      void (await attempt(async () => {
        made.value = undefined;
        made.value = (await api('share', { params: { id }, body })).url;
      })),
    revoke: (share) => attempt(() => api('revokeShare', { params: { share } })),
  };
}
