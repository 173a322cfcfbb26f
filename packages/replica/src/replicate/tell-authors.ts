/** What two connected devices tell each other of who writes on them (`documents/authors.ts`). */
import type { DeviceId, DocumentId } from '@markco/protocol';
import type { Authors } from '../documents/authors.ts';
import { COST } from './cost.ts';
import { AUTHORS_MAX, type Message } from './messages.ts';

type AuthorsMessage = Extract<Message, { op: 'authors' }>;

export type ToldAuthors = {
  receive(message: AuthorsMessage): void;
  /** They are not connected any more. */
  end(): void;
};

/** @param say called at once for each change, so that it goes before the edit */
export function tellAuthors(
  authors: Authors,
  device: DeviceId,
  say: (message: AuthorsMessage) => void,
  wasted: (cost: number) => void,
): ToldAuthors {
  const here: [DocumentId, number][] = [...authors.here()].map(([id, client]) => [id, client]);
  for (let at = 0; at < here.length; at += AUTHORS_MAX)
    say({ op: 'authors', writes: here.slice(at, at + AUTHORS_MAX), left: [] });
  const stop = authors.onChange(({ documentId, client, isHere }) => {
    const one: [DocumentId, number][] = [[documentId, client]];
    say({ op: 'authors', writes: isHere ? one : [], left: isHere ? [] : one });
  });

  return {
    receive({ writes, left }) {
      wasted(COST.question);
      for (const [id, client] of left) authors.unclaim(device, id, client);
      // Who says that it writes under the id of another is wrong, or lies.
      for (const [id, client] of writes) if (!authors.claim(device, id, client)) wasted(COST.heavy);
    },
    end() {
      stop();
      authors.forget(device);
    },
  };
}
