/** Asks the cloud that this device keeps its documents with for what is there and not here, and says plainly why it cannot. */
import type { Api } from '@markco/client/api';
import { Failure } from '@markco/protocol';
import type { CloudHere } from './open-cloud.ts';

const ANSWER_MS = 60_000;

export type AskCloud = <T>(
  signal: AbortSignal,
  call: (api: Api, signal: AbortSignal) => Promise<T>,
  /** What it means that the cloud does not know what is asked about. */
  notFound: string,
) => Promise<T>;

/** @param none said where there is no cloud */
export function createAskCloud(cloud: Pick<CloudHere, 'place' | 'api'>, none: string): AskCloud {
  return async (signal, call, notFound) => {
    const place = cloud.place();
    if (place === undefined) throw new Failure('not_ready', none);
    const { host } = new URL(place.url);
    try {
      return await call(await cloud.api(signal), AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]));
    } catch (cause) {
      const { code } = Failure.from(cause);
      if (code === 'not_ready')
        throw new Failure('not_ready', `${host} cannot be reached now. Nothing was changed.`, { cause });
      if (code === 'unauthorized')
        throw new Failure('not_ready', `${host} does not let this device in. Log in again: markco login`, { cause });
      if (code === 'not_found') throw new Failure('not_ready', notFound, { cause });
      throw cause;
    }
  };
}
