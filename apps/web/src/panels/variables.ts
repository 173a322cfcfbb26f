/**
 * The variables of one session, as the panel shows them: a list, and below each what was opened in it. Asked anew after
 * each run of the session; what was open stays open. A question that was overtaken by another changes nothing.
 */
import type { Api } from '@markco/client';
import { Failure, type SessionId, type Variable } from '@markco/protocol';
import { signal, type ReadonlySignal } from '@preact/signals';

export type Listing =
  | { readonly kind: 'asking' }
  | { readonly kind: 'listed'; readonly variables: readonly Variable[]; readonly more: boolean }
  | { readonly kind: 'failed'; readonly message: string }
  /** The interpreter of this language does not tell. */
  | { readonly kind: 'unsupported' };

export type Variables = {
  readonly list: ReadonlySignal<Listing>;
  /** By path. Absent: closed. */
  readonly opened: ReadonlySignal<ReadonlyMap<string, Listing>>;
  refresh(): void;
  toggle(path: readonly string[]): void;
  close(): void;
};

/** Rows of one list; the device says when there are more. */
const CHILDREN_MAX = 200;
/** Opened at once; another one closes the first. */
const OPENED_MAX = 50;

/** Names may hold any character but this. */
export const keyOf = (path: readonly string[]): string => path.join('\0');

export function createVariables(api: Api, session: SessionId): Variables {
  const list = signal<Listing>({ kind: 'asking' });
  const opened = signal<ReadonlyMap<string, Listing>>(new Map());
  const closing = new AbortController();
  let round = 0;

  const failed = (error: unknown): Listing => {
    const failure = Failure.from(error);
    return failure.code === 'unsupported' ? { kind: 'unsupported' } : { kind: 'failed', message: failure.message };
  };
  const set = (key: string, listing: Listing): void => {
    if (opened.peek().has(key)) opened.value = new Map(opened.peek()).set(key, listing);
  };

  async function openOne(path: readonly string[], asked: number): Promise<void> {
    const [name = '', ...rest] = path;
    try {
      const body = { session, path: rest, maxChildren: CHILDREN_MAX };
      const { children, truncated } = await api('mrpVariable', { params: { name }, body, signal: closing.signal });
      if (asked === round) set(keyOf(path), { kind: 'listed', variables: children, more: truncated });
    } catch (error) {
      if (asked === round && !closing.signal.aborted) set(keyOf(path), failed(error));
    }
  }

  return {
    list,
    opened,
    refresh() {
      const asked = ++round;
      const body = { session, filter: { excludePrivate: true } };
      api('mrpVariables', { body, signal: closing.signal }).then(
        ({ variables, truncated }) => {
          if (asked === round) list.value = { kind: 'listed', variables, more: truncated };
        },
        (error: unknown) => {
          if (asked === round && !closing.signal.aborted) list.value = failed(error);
        },
      );
      for (const key of opened.peek().keys()) void openOne(key.split('\0'), asked);
    },
    toggle(path) {
      const key = keyOf(path);
      const next = new Map(opened.peek());
      if (next.delete(key)) {
        for (const other of next.keys()) if (other.startsWith(`${key}\0`)) next.delete(other);
        opened.value = next;
        return;
      }
      const first = next.size >= OPENED_MAX ? next.keys().next().value : undefined;
      if (first !== undefined) next.delete(first);
      opened.value = next.set(key, { kind: 'asking' });
      void openOne(path, round);
    },
    close: () => closing.abort(),
  };
}
