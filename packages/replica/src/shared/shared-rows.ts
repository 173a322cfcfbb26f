/**
 * Puts rows of the catalog where several processes do. A change of a project's rows builds on all that were made
 * before: whoever is behind takes those in first, and what it wanted is joined with them.
 *
 * 1. Of two that want one name the first has it; the other is told so, and nothing of what it wanted is left.
 * 2. Of two names of one document the later stamp counts, and a deletion counts for ever, as between devices.
 */
import { Failure, filePathOf, type DocumentId, type ProjectId } from '@markco/protocol';
import { isLater, type DocumentRecord, type Stamp } from '../documents/document-record.ts';

/** Others may come first that often; then whoever asked is to ask again. */
const TRIES_MAX = 50;

export type SharedRowsParts = {
  /** The rows as they are known here, those that wait included. */
  readonly get: (id: DocumentId) => DocumentRecord | undefined;
  readonly byPath: (projectId: ProjectId, filePath: string) => DocumentRecord | undefined;
  readonly place: (record: DocumentRecord) => void;
  readonly forget: (id: DocumentId) => void;
  /** A stamp that is later than all that were seen. */
  readonly stamp: () => Stamp;
  /** False when the project has another version. */
  readonly commit: (projectId: ProjectId, was: number, rows: readonly DocumentRecord[]) => Promise<boolean>;
  /** Takes in what others did. */
  readonly pull: () => Promise<void>;
};

export type SharedRows = {
  /**
   * To be asked before rows are placed.
   * @throws Failure `conflict` when a name that they want is taken
   */
  requireFree(rows: readonly DocumentRecord[]): void;
  /**
   * Rows of one project, which are placed already; `before`: as they were. Answers them as they were put.
   * @throws Failure `conflict` when a name is taken
   */
  put(
    projectId: ProjectId,
    rows: readonly DocumentRecord[],
    before: ReadonlyMap<DocumentId, DocumentRecord | undefined>,
  ): Promise<readonly DocumentRecord[]>;
  /** Rows as another process put them. Answers them as they are now here. */
  take(rows: readonly DocumentRecord[]): readonly DocumentRecord[];
  version(projectId: ProjectId, version: number): void;
};

export function createSharedRows(parts: SharedRowsParts): SharedRows {
  const versions = new Map<ProjectId, number>();
  /** Rows that wait: what the store has of each, how often it waits, and whether what was wanted before was undone. */
  const waiting = new Map<DocumentId, { stored: DocumentRecord | undefined; count: number; isUndone: boolean }>();
  let turn: Promise<unknown> = Promise.resolve();

  function version(projectId: ProjectId, at: number): void {
    if (at > (versions.get(projectId) ?? 0)) versions.set(projectId, at);
  }

  function undo(ids: Iterable<DocumentId>): void {
    for (const id of ids) {
      const known = waiting.get(id);
      if (known === undefined) continue;
      known.isUndone = true;
      if (known.stored === undefined) parts.forget(id);
      else parts.place(known.stored);
    }
  }

  /** @param before what each row was; its own name it may keep */
  function requireFree(rows: readonly DocumentRecord[], before: (id: DocumentId) => DocumentRecord | undefined): void {
    for (const row of rows) {
      const was = before(row.id);
      const isKept = was !== undefined && was.deletedAt === undefined && filePathOf(was) === filePathOf(row);
      const holder = parts.byPath(row.projectId, filePathOf(row));
      if (row.deletedAt !== undefined || isKept || holder === undefined || holder.id === row.id) continue;
      throw new Failure('conflict', `There is a document ${filePathOf(row)} already. Choose another name.`);
    }
  }

  /** As it is wanted after what others did: with a stamp of its own where its name counts. */
  function wanted(id: DocumentId): DocumentRecord | undefined {
    const row = parts.get(id);
    const was = waiting.get(id)?.stored;
    const isOwnName = row?.named !== undefined && (was?.named === undefined || isLater(row.named, was.named));
    if (row === undefined || !isOwnName || was === undefined) return row;
    const restamped = { ...row, named: parts.stamp() };
    parts.place(restamped);
    return restamped;
  }

  async function putNow(projectId: ProjectId, ids: readonly DocumentId[]): Promise<readonly DocumentRecord[]> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const rows = ids.flatMap((id) => (tries === 0 ? parts.get(id) : wanted(id)) ?? []);
      requireFree(rows, (id) => waiting.get(id)?.stored);
      const was = versions.get(projectId) ?? 0;
      if (await parts.commit(projectId, was, rows)) {
        version(projectId, was + 1);
        for (const row of rows) {
          const known = waiting.get(row.id);
          if (known !== undefined) known.stored = row;
        }
        return rows;
      }
      await parts.pull();
    }
    throw tooMany();
  }

  return {
    version,
    requireFree: (rows) => requireFree(rows, parts.get),
    put(projectId, rows, before) {
      const ids = [...new Set(rows.map(({ id }) => id))];
      for (const id of ids) {
        const known = waiting.get(id);
        if (known === undefined) waiting.set(id, { stored: before.get(id), count: 1, isUndone: false });
        else known.count++;
      }
      const work = turn.then(async () => {
        try {
          // It built on what is not there any more.
          if (ids.some((id) => waiting.get(id)?.isUndone === true)) throw tooMany();
          return await putNow(projectId, ids);
        } catch (cause) {
          undo(ids);
          throw cause;
        } finally {
          for (const id of ids) {
            const known = waiting.get(id);
            if (known !== undefined && --known.count === 0) waiting.delete(id);
          }
        }
      });
      turn = work.catch(() => undefined);
      return work;
    },
    take(rows) {
      return rows.map((theirs) => {
        const mine = parts.get(theirs.id);
        const known = waiting.get(theirs.id);
        if (known !== undefined) known.stored = theirs;
        const row = known !== undefined && mine !== undefined && !known.isUndone ? joined(mine, theirs) : theirs;
        parts.place(row);
        return row;
      });
    },
  };
}

const tooMany = (): Failure =>
  new Failure('not_ready', 'Too many change the names of this project at once. Try again in a moment.', {
    retryable: true,
  });

/** What two processes made of one row at once. */
function joined(mine: DocumentRecord, theirs: DocumentRecord): DocumentRecord {
  const facts = mine.updatedAt > theirs.updatedAt ? mine : theirs;
  const isGone = [mine, theirs].map(({ deletedAt }) => deletedAt !== undefined);
  const names =
    isGone[0] !== isGone[1]
      ? isGone[0] === true
        ? mine
        : theirs
      : theirs.named !== undefined && isLater(theirs.named, mine.named)
        ? theirs
        : mine;
  const { sizeBytes, contentHash, updatedAt, title } = facts;
  return { ...names, sizeBytes, contentHash, updatedAt, ...(title === undefined ? {} : { title }) };
}
