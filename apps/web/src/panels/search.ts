/**
 * Find in project: the query and what was found, kept while the panel is closed. A new letter ends the question before.
 * First a small answer, which is fast in any project, then the whole one.
 */
import { Failure, type DocumentId, type ProjectId, type SearchHit } from '@markco/protocol';
import type { Client } from '@markco/client';
import { signal, type ReadonlySignal } from '@preact/signals';

export type SearchState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'asking'; readonly hits: readonly SearchHit[] }
  | {
      readonly kind: 'found';
      readonly hits: readonly SearchHit[];
      readonly truncated: boolean;
      readonly searched: number;
    }
  | { readonly kind: 'failed'; readonly message: string };

export type SearchOptions = { readonly caseSensitive: boolean; readonly regex: boolean };

export type Search = {
  readonly query: ReadonlySignal<string>;
  readonly options: ReadonlySignal<SearchOptions>;
  readonly state: ReadonlySignal<SearchState>;
  ask(projectId: ProjectId, query: string, options: SearchOptions): void;
  clear(): void;
};

export type HitGroup = {
  readonly documentId: DocumentId;
  readonly title: string;
  readonly path: string;
  readonly hits: readonly SearchHit[];
};

const pauseMs = 120;
const firstHits = 40;
const hitsMax = 1_000;

/** Documents in the order of their first hit. */
export function groupHits(hits: readonly SearchHit[]): readonly HitGroup[] {
  const groups = Map.groupBy(hits, (hit) => hit.documentId);
  return [...groups].map(([documentId, inside]) => ({
    documentId,
    title: inside[0]?.title ?? '',
    path: inside[0]?.path ?? '',
    hits: inside,
  }));
}

export function createSearch(client: Pick<Client, 'api'>): Search {
  const query = signal('');
  const options = signal<SearchOptions>({ caseSensitive: false, regex: false });
  const state = signal<SearchState>({ kind: 'idle' });
  let asking: AbortController | undefined;

  async function answer(projectId: ProjectId, wanted: string, how: SearchOptions, signal: AbortSignal): Promise<void> {
    const flags = {
      ...(how.caseSensitive ? { caseSensitive: '1' as const } : {}),
      ...(how.regex ? { regex: '1' as const } : {}),
    };
    const before = state.peek();
    state.value = { kind: 'asking', hits: before.kind === 'found' || before.kind === 'asking' ? before.hits : [] };
    try {
      for (const limit of [firstHits, hitsMax]) {
        const found = await client.api('search', {
          params: { id: projectId },
          query: { q: wanted, limit: String(limit), ...flags },
          signal,
        });
        if (signal.aborted) return;
        const last = !found.truncated || limit === hitsMax;
        state.value = last
          ? { kind: 'found', hits: found.hits, truncated: found.truncated, searched: found.documents }
          : { kind: 'asking', hits: found.hits };
        if (last) return;
      }
    } catch (error) {
      if (!signal.aborted) state.value = { kind: 'failed', message: Failure.from(error).message };
    }
  }

  return {
    query,
    options,
    state,
    ask(projectId, wanted, how) {
      asking?.abort();
      query.value = wanted;
      options.value = how;
      if (wanted === '') {
        state.value = { kind: 'idle' };
        return;
      }
      const controller = new AbortController();
      asking = controller;
      setTimeout(() => {
        if (!controller.signal.aborted) void answer(projectId, wanted, how, controller.signal);
      }, pauseMs);
    },
    clear() {
      asking?.abort();
      query.value = '';
      state.value = { kind: 'idle' };
    },
  };
}
