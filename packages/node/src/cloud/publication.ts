/** Published pages of a project, asked of the cloud that this device keeps its documents with: they are there, not here. */
import type { Api } from '@markco/client/api';
import { Failure } from '@markco/protocol';
import type { SomeHandlers } from '@markco/replica/listen/handlers';
import { createAskCloud } from './ask-cloud.ts';
import type { CloudHere } from './open-cloud.ts';

export type PublicationParts = {
  readonly cloud: Pick<CloudHere, 'place' | 'api'>;
  /** @throws Failure `not_found` for what is no project here */
  readonly project: (id: string) => unknown;
};

export const NOT_THERE_YET = 'The cloud does not have this project yet. Try again in a moment.';

export function publicationRoutes({
  cloud,
  project,
}: PublicationParts): SomeHandlers<'publication' | 'publish' | 'unpublish' | 'offerCopies' | 'putCopy'> {
  const askCloud = createAskCloud(
    cloud,
    'Pages are published by a cloud, and this device is with none. Start one with `markco cloud`, then `markco login`.',
  );
  type Given = { readonly params: { readonly id: string }; readonly signal: AbortSignal };
  function ask<T>(id = '', signal: AbortSignal, call: (api: Api, given: Given) => Promise<T>): Promise<T> {
    project(id);
    return askCloud(signal, (api, until) => call(api, { params: { id }, signal: until }), NOT_THERE_YET);
  }

  return {
    ...noCopies,
    publication: async ({ params, signal }) => ask(params['id'], signal, (api, given) => api('publication', given)),
    publish: async ({ params, body, signal }) =>
      ask(params['id'], signal, (api, given) => api('publish', { ...given, body })),
    unpublish: async ({ params, signal }) => ask(params['id'], signal, (api, given) => api('unpublish', given)),
  };
}

const here = (): never => {
  throw new Failure('not_found', 'The files of a project are in its folder on this device. Put them there.');
};
const noCopies: SomeHandlers<'offerCopies' | 'putCopy'> = { offerCopies: here, putCopy: here };
