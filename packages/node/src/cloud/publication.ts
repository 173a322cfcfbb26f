/** Published pages of a project, asked of the cloud that this device keeps its documents with: they are there, not here. */
import type { Api } from '@markco/client/api';
import { Failure } from '@markco/protocol';
import type { SomeHandlers } from '@markco/replica/listen/handlers';
import type { CloudHere } from './open-cloud.ts';

export type PublicationParts = {
  readonly cloud: Pick<CloudHere, 'place' | 'api'>;
  /** @throws Failure `not_found` for what is no project here */
  readonly project: (id: string) => unknown;
};

const ANSWER_MS = 60_000;

export function publicationRoutes({
  cloud,
  project,
}: PublicationParts): SomeHandlers<'publication' | 'publish' | 'unpublish' | 'offerCopies' | 'putCopy'> {
  async function ask<T>(projectId: string, signal: AbortSignal, call: (api: Api) => Promise<T>): Promise<T> {
    project(projectId);
    const place = cloud.place();
    if (place === undefined)
      throw new Failure(
        'not_ready',
        'Pages are published by a cloud, and this device is with none. Start one with `markco cloud`, then `markco login`.',
      );
    try {
      return await call(await cloud.api(signal));
    } catch (error) {
      const failure = Failure.from(error);
      if (failure.code === 'not_ready')
        throw new Failure('not_ready', `${new URL(place.url).host} cannot be reached now. Nothing was changed.`, {
          cause: error,
        });
      if (failure.code === 'unauthorized')
        throw new Failure(
          'not_ready',
          `${new URL(place.url).host} does not let this device in. Log in again: markco login`,
          { cause: error },
        );
      if (failure.code === 'not_found')
        throw new Failure('not_ready', 'The cloud does not have this project yet. Try again in a moment.', {
          cause: error,
        });
      throw error;
    }
  }
  const given = (id: string | undefined, signal: AbortSignal) => ({
    params: { id: id ?? '' },
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
  });

  return {
    ...noCopies,
    publication: ({ params, signal }) =>
      ask(params['id'] ?? '', signal, (api) => api('publication', given(params['id'], signal))),
    publish: ({ params, body, signal }) =>
      ask(params['id'] ?? '', signal, (api) => api('publish', { ...given(params['id'], signal), body })),
    unpublish: ({ params, signal }) =>
      ask(params['id'] ?? '', signal, (api) => api('unpublish', given(params['id'], signal))),
  };
}

const here = (): never => {
  throw new Failure('not_found', 'The files of a project are in its folder on this device. Put them there.');
};
const noCopies: SomeHandlers<'offerCopies' | 'putCopy'> = { offerCopies: here, putCopy: here };
