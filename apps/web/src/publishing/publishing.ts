/** What the dialog of publishing shows and does for one project. What went wrong is told in words, and nothing is lost by it. */
import type { Api } from '@markco/client';
import { Failure, type ProjectId, type Publication } from '@markco/protocol';
import { batch, signal, type ReadonlySignal } from '@preact/signals';

/** An origin that a page of everybody's can be read at; else the address is shown and leads nowhere. */
export function isAddress(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}

export type Publishing = {
  /** `undefined` until it is known. */
  readonly publication: ReadonlySignal<Publication | undefined>;
  readonly trouble: ReadonlySignal<string>;
  readonly busy: ReadonlySignal<boolean>;
  read(): Promise<void>;
  /** Whether it went well. */
  publish(wanted: {
    readonly userName?: string;
    readonly update?: 'saved' | 'asked';
    readonly allow?: string;
  }): Promise<boolean>;
  takeBack(): Promise<boolean>;
};

export function createPublishing(api: Api, id: ProjectId): Publishing {
  const publication = signal<Publication | undefined>(undefined);
  const trouble = signal('');
  const busy = signal(false);
  const params = { id };

  async function attempt(work: () => Promise<Publication>): Promise<boolean> {
    if (busy.peek()) return false;
    batch(() => {
      trouble.value = '';
      busy.value = true;
    });
    try {
      publication.value = await work();
      return true;
    } catch (error) {
      trouble.value = Failure.from(error).message;
      return false;
    } finally {
      busy.value = false;
    }
  }

  const ask = (): Promise<Publication> => api('publication', { params });
  return {
    ...{ publication, trouble, busy },
    read: async () => void (await attempt(ask)),
    publish: ({ userName, update, allow }) =>
      attempt(() =>
        api('publish', {
          params,
          body: {
            ...(userName === undefined ? {} : { userName }),
            ...(update === undefined ? {} : { update }),
            ...(allow === undefined ? {} : { allow: [allow] }),
          },
        }),
      ),
    takeBack: () =>
      attempt(async () => {
        await api('unpublish', { params });
        return ask();
      }),
  };
}
