/**
 * Calls the device beside the cloud while this one shows a code. The two are most often to be made devices of one person,
 * and that one cannot call this one where it is behind a router.
 *
 * Whoever is called is a stranger until it has proven the code, like everybody else.
 */
import { doorAddress } from '@markco/client/mesh/browser/door-address';
import type { Api } from '@markco/client/api';
import { setTimeout as pause } from 'node:timers/promises';
import type { Mesh } from '../mesh/mesh.ts';
import type { CloudPlace } from './dial.ts';
import type { CloudHere } from './open-cloud.ts';

/** It is on the network once somebody has typed the code there. */
const AGAIN_MS = 1_000;
const CALL_MS = 10_000;

export type CallBesideParts = {
  readonly cloud: Pick<CloudHere, 'api' | 'place'>;
  readonly mesh: () =>
    | {
        readonly host: Pick<Mesh['host'], 'connect'>;
        readonly pair: Pick<Mesh['pair'], 'isOpen'>;
        readonly peers: Pick<Mesh['peers'], 'deviceAt'>;
      }
    | undefined;
};

/** To be called when a code is shown; it ends with that. */
export function createCallBeside({ cloud, mesh }: CallBesideParts): () => Promise<void> {
  let isCalling = false;

  /** Answers whether there is a reason to call again. */
  async function call(place: CloudPlace, api: Api): Promise<boolean> {
    const here = mesh();
    const signal = AbortSignal.timeout(CALL_MS);
    const { peerId } = await api('peerDoor', { signal });
    if (here === undefined || peerId === null) return true;
    // One of the user's already: then it is reached as all of them are.
    if (here.peers.deviceAt(peerId) !== undefined) return false;
    await here.host.connect(peerId, [doorAddress(place.url)], signal);
    return true;
  }

  return async () => {
    const place = cloud.place();
    if (place === undefined || isCalling) return;
    isCalling = true;
    let api: Api | undefined;
    while (mesh()?.pair.isOpen === true)
      try {
        api ??= await cloud.api(AbortSignal.timeout(CALL_MS));
        if (!(await call(place, api))) break;
      } catch {
        // A cloud that is away may be back.
      } finally {
        await pause(AGAIN_MS);
      }
    isCalling = false;
  };
}
