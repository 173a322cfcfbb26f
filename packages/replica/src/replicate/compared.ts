/** What the other device told of the documents of each project, and how a comparing of one ends. */
import type { DocumentId, ProjectId } from '@markco/protocol';
import { bucketOf, compareRow, type Row, type Verdict } from './rows.ts';

/** A document that is not the same on both sides; undefined where it is not at all. */
export type Differing = {
  readonly id: DocumentId;
  readonly here: Row | undefined;
  readonly there: Row | undefined;
  readonly verdict: Verdict;
};

export type Compared = (projectId: ProjectId, differing: readonly Differing[]) => void;

const LACKING: Verdict = { names: 'mine', texts: true };

export function createHeard() {
  const heard = new Map<ProjectId, Map<DocumentId, Row>>();

  return {
    note(projectId: ProjectId, rows: readonly Row[]): void {
      const known = heard.get(projectId) ?? new Map<DocumentId, Row>();
      heard.set(projectId, known);
      for (const row of rows) known.set(row.id, row);
    },

    /** All that the other has of these groups was heard by now: what it lacks of them, and all that differs. */
    end(
      projectId: ProjectId,
      here: ReadonlyMap<DocumentId, Row>,
      buckets: readonly number[],
    ): { readonly lacking: readonly Row[]; readonly differing: readonly Differing[] } {
      const known = heard.get(projectId) ?? new Map<DocumentId, Row>();
      heard.delete(projectId);
      const lacking = [...here.values()].filter((row) => buckets.includes(bucketOf(row.id)) && !known.has(row.id));
      const differing: Differing[] = lacking
        .filter(({ deletedAt }) => deletedAt === undefined)
        .map((row) => ({ id: row.id, here: row, there: undefined, verdict: LACKING }));
      for (const [id, there] of known) {
        const mine = here.get(id);
        if (mine === undefined && there.deletedAt !== undefined) continue;
        const verdict = compareRow(mine, there);
        if (verdict.texts || verdict.names !== 'same') differing.push({ id, here: mine, there, verdict });
      }
      return { lacking, differing };
    },
  };
}
