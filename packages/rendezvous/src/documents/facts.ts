/**
 * Keeps true what the catalog says of a document's text: its title, its size and its hash. A document that is being
 * written is read once it rests, and at the latest after a while.
 */
import { titleOf, type DocumentId } from '@markco/protocol';
import type { DocumentCatalog } from '@markco/replica/documents/catalog';
import type { Documents } from '@markco/replica/documents/documents';
import type { Rooms } from '@markco/replica/documents/rooms';
import { factsOf } from '@markco/replica/projects/folderless';

const REST_MS = 300;
const LATEST_MS = 2_000;
/** Documents that are read at once. */
const AT_ONCE = 4;

export function keepFacts(parts: {
  readonly rooms: Pick<Rooms, 'onChange'>;
  readonly catalog: Pick<DocumentCatalog, 'get' | 'put'>;
  readonly documents: Pick<Documents, 'read'>;
  readonly now: () => number;
  readonly onTrouble: (doing: string, cause: unknown) => void;
}): { close(): Promise<void> } {
  const { catalog, documents, now, onTrouble } = parts;
  /** Since when each is not what the catalog says, and when it changed last. */
  const due = new Map<DocumentId, { readonly since: number; last: number }>();
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> | undefined;

  async function keep(id: DocumentId): Promise<void> {
    const { text } = await documents.read(id);
    const record = catalog.get(id);
    if (record === undefined || record.deletedAt !== undefined) return;
    const facts = { ...factsOf(text), title: titleOf(text, record.path) };
    if (facts.contentHash === record.contentHash && facts.title === record.title) return;
    await catalog.put([{ ...record, ...facts, updatedAt: new Date(now()).toISOString() }]);
  }

  async function keepAll(ids: readonly DocumentId[]): Promise<void> {
    const waiting = [...ids];
    const next = async (): Promise<void> => {
      for (let id = waiting.shift(); id !== undefined; id = waiting.shift())
        await keep(id).catch((cause: unknown) => onTrouble(`describing ${String(id)}`, cause));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
  }

  function look(isLast: boolean): void {
    timer = undefined;
    const at = now();
    const ready = [...due].filter(
      ([, { since, last }]) => isLast || at - last >= REST_MS || at - since >= LATEST_MS || at < last,
    );
    for (const [id] of ready) due.delete(id);
    working = keepAll(ready.map(([id]) => id)).finally(() => {
      working = undefined;
      plan();
    });
  }

  function plan(): void {
    if (due.size > 0 && working === undefined) timer ??= setTimeout(look, REST_MS, false);
  }

  const stop = parts.rooms.onChange(({ id }) => {
    const at = now();
    const known = due.get(id);
    if (known === undefined) due.set(id, { since: at, last: at });
    else known.last = at;
    plan();
  });

  return {
    /** What is due is written first. */
    async close() {
      stop();
      clearTimeout(timer);
      await working;
      look(true);
      await working;
      clearTimeout(timer);
    },
  };
}
