/**
 * The cloud on the same machine, for the device beside it: its documents are kept with it, so that they are here when
 * every other device is off.
 *
 * 1. A device that is alone joins nothing: it would make the cloud its own before it belongs to anybody.
 * 2. One cloud for a device: one that was joined by hand, or left, stays as it is.
 */
import type { CloudLink } from './cloud.ts';
import type { CloudPlace } from './dial.ts';

type Place = Extract<CloudPlace, { token: string }>;

export type BesideParts = {
  readonly cloud: Pick<CloudLink, 'state' | 'place' | 'join'>;
  /** Whether there are other devices of its user. */
  readonly isOneOfSeveral: () => boolean;
  readonly onTrouble: (cause: unknown) => void;
};

export function createBeside({ cloud, isOneOfSeveral, onTrouble }: BesideParts) {
  let wanted: Place | undefined;
  let isAsked = false;

  /** To be called when there may be other devices now. */
  function look(): void {
    if (wanted === undefined || isAsked || !isOneOfSeveral()) return;
    isAsked = true;
    const known = cloud.place();
    const isOwn = known !== undefined && 'token' in known && known.token === wanted.token;
    if (known !== undefined && (!isOwn || known.url === wanted.url)) return;
    cloud.join(wanted).catch((cause: unknown) => {
      isAsked = false;
      onTrouble(cause);
    });
  }

  return {
    look,
    keepWith(place: Place): void {
      wanted = place;
      look();
    },
  };
}
