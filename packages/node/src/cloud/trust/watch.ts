/**
 * What this device takes from its cloud, and what it does not: a cloud keeps documents and vouches for nothing. What
 * cannot be refused, because it may be what a person wrote elsewhere, is looked at, and people are told in words.
 */
import type { CloudDoubt, DeviceId, DocumentId, ProjectId } from '@markco/protocol';
import type { NamedElsewhere } from '@markco/replica/projects/take-rows';
import type { Testimony, Witness } from '@markco/replica/replicate/witness';
import { parseUpdateMeta } from 'yjs';
import { createDeletions } from './deletions.ts';
import { createHeldToItsWords, type Broken } from './held-to-its-words.ts';
import type { Remembered } from './memory.ts';
import { createTestimony } from './testimony.ts';

/** A name that is stamped later than this from now would count over every other one, for ever. */
const AHEAD_MS = 365 * 86_400_000;
const DOUBTS_MAX = 20;
const DOCUMENTS_MAX = 1_000;

export type CloudWatchParts = {
  readonly now: () => number;
  /** The cloud that this device is with. */
  readonly cloud: () => DeviceId | undefined;
  /** A document by what people call it. */
  readonly pathOf: (id: DocumentId) => string | undefined;
  readonly isHere: (id: DocumentId) => boolean;
  /** Documents of a project. */
  readonly count: (id: ProjectId) => number;
  readonly nameOf: (device: DeviceId) => string | undefined;
  readonly onDoubt: (doubt: string, message: string) => void;
  /** Something that it is to remember is another one. */
  readonly onChange: (what: 'doubts' | 'words') => void;
};

type Doubted = { readonly at: number; readonly documents: Set<DocumentId>; message: string };

export type CloudWatch = {
  readonly witness: Witness;
  readonly testimony: Testimony;
  /** Those of the names and deletions that it tells that are taken. */
  admit<T extends NamedElsewhere>(project: ProjectId, rows: readonly T[]): readonly T[];
  /** Another one answers in its place. */
  isAnother(): void;
  /** What is wrong with it, the newest first. */
  doubts(): readonly CloudDoubt[];
  /** A person has seen to what they were told, or had this device join it again: that is over, what it said stands. */
  settled(): void;
  /** What is to be known of it when this device is started again; and what was known then. */
  remembered(): Omit<Remembered, 'cloud'>;
  remember(kept: Omit<Remembered, 'cloud'>): void;
  /** This device is with another one from now on. */
  clear(): void;
  close(): void;
};

export function createCloudWatch(parts: CloudWatchParts): CloudWatch {
  const { now } = parts;
  const words = createHeldToItsWords(now, parts.cloud);
  const deletions = createDeletions(now);
  const doubted = new Map<string, Doubted>();
  const testimony = createTestimony({ words, cloud: parts.cloud, now, found });
  const path = (id: DocumentId | undefined): string =>
    (id === undefined ? undefined : parts.pathOf(id)) ?? 'a document';

  /** @param say told how the documents are called */
  function doubt(kind: string, ids: readonly DocumentId[], say: (documents: string) => string): void {
    const before = doubted.get(kind);
    const documents = before?.documents ?? new Set();
    const isNews = before === undefined || ids.some((id) => !documents.has(id));
    for (const id of ids) if (documents.size < DOCUMENTS_MAX) documents.add(id);
    const [first] = documents;
    const more = documents.size - 1;
    const message = say(`${path(first)}${more > 0 ? ` and ${more} more` : ''}`);
    doubted.set(kind, { at: before?.at ?? now(), documents, message });
    const [oldest] = doubted.keys();
    if (doubted.size > DOUBTS_MAX && oldest !== undefined) doubted.delete(oldest);
    if (!isNews) return;
    parts.onDoubt(kind, message);
    parts.onChange('doubts');
  }

  function found(broken: Broken | null): void {
    if (broken === null) return;
    const { what, id } = broken;
    if (what === 'went-back')
      doubt(
        what,
        [id],
        (documents) =>
          `It lacks edits of ${documents} that it had said were saved: it was restored from a backup, or is not to be trusted. This device has sent them again.`,
      );
    else if (what === 'two-faces') {
      const { to } = broken;
      doubt(
        `${what} ${to}`,
        [id],
        (documents) =>
          `It showed this device less of ${documents} than it had told ${parts.nameOf(to) ?? 'another device of yours'} was saved. Your devices have told each other what was missing.`,
      );
    } else
      doubt(
        `${what} ${id}`,
        [id],
        (documents) =>
          `It put text of ${path(broken.of)} into ${documents}. The history of ${documents} has it as it was before.`,
      );
  }

  return {
    testimony,
    witness: {
      has(id, clocks) {
        words.has(id, clocks);
        testimony.changed(id);
        parts.onChange('words');
      },
      shows: (id, clocks) => found(words.shows(id, clocks)),
      brings: (id, update) => found(words.brings(id, writersOf(update))),
    },
    admit(project, rows) {
      const timely = rows.filter(({ named }) => named.at <= now() + AHEAD_MS);
      if (timely.length < rows.length)
        doubt(
          `from the future ${project}`,
          rows.filter((row) => !timely.includes(row)).map(({ id }) => id),
          (documents) =>
            `It said when ${documents} got its name, and that lies far ahead. This device did not take the name. If the clock of this device is wrong, set it.`,
        );
      const gone = timely.filter(({ id, deletedAt }) => deletedAt !== undefined && parts.isHere(id));
      if (gone.length === 0 || deletions.admit(project, gone.length, parts.count(project))) return timely;
      doubt(
        `deletions ${project}`,
        gone.map(({ id }) => id),
        (documents) =>
          `It asked for many documents to be deleted (${documents}), and this device kept them. If you did delete them elsewhere, delete them here too.`,
      );
      return timely.filter((row) => !gone.includes(row));
    },
    isAnother() {
      doubt(
        'another',
        [],
        () =>
          'Another cloud answers at this address than before: it was made anew, or somebody else is there. If that was not you, use `markco logout`.',
      );
    },
    doubts: () =>
      [...doubted.values()]
        .toSorted((a, b) => b.at - a.at)
        .map(({ at, message }) => ({ since: new Date(at).toISOString(), message })),
    settled() {
      doubted.clear();
      parts.onChange('doubts');
    },
    remembered: () => ({
      doubts: Array.from(doubted, ([kind, { at, message, documents }]) => ({
        ...{ kind, at, message },
        documents: [...documents],
      })),
      words: words.said(),
    }),
    remember(kept) {
      for (const [id, said] of kept.words) words.remember(id, said);
      for (const { kind, at, message, documents } of kept.doubts.slice(-DOUBTS_MAX))
        doubted.set(kind, { at, message, documents: new Set(documents) });
    },
    clear() {
      words.clear();
      doubted.clear();
      parts.onChange('doubts');
    },
    close: () => testimony.close(),
  };
}

/** What cannot be read is refused where it is taken in. */
function writersOf(update: Uint8Array): Iterable<number> {
  try {
    return parseUpdateMeta(update).from.keys();
  } catch {
    return [];
  }
}
