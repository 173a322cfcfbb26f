/** Share links, asked of the cloud that this device keeps its documents with: they lead there, not here. */
import type { SomeHandlers } from '@markco/replica/listen/handlers';
import { createAskCloud } from './ask-cloud.ts';
import { NOT_THERE_YET, type PublicationParts } from './publication.ts';

export function shareRoutes({
  cloud,
  project,
}: PublicationParts): SomeHandlers<'shares' | 'share' | 'revokeShare' | 'suggestions'> {
  const ask = createAskCloud(
    cloud,
    'Links to a document lead to a cloud, and this device is with none. Start one with `markco cloud`, then `markco login`.',
  );
  const tooOld = 'The cloud knows no share links. Upgrade it.';
  return {
    shares: ({ signal }) => ask(signal, (api, until) => api('shares', { signal: until }), tooOld),
    async share({ params, body, signal }) {
      const id = params['id'] ?? '';
      project(id);
      return ask(signal, (api, until) => api('share', { params: { id }, body, signal: until }), NOT_THERE_YET);
    },
    suggestions: ({ params, signal }) => {
      const of = { id: params['id'] ?? '', documentId: params['documentId'] ?? '' };
      project(of.id);
      return ask(signal, (api, until) => api('suggestions', { params: of, signal: until }), NOT_THERE_YET);
    },
    revokeShare: ({ params, signal }) =>
      ask(
        signal,
        (api, until) => api('revokeShare', { params: { share: params['share'] ?? '' }, signal: until }),
        'There is no such link. They are listed by: markco shares',
      ),
  };
}
