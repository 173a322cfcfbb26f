/** R18, R19: of what devices with wrong clocks did apart to names, the last counts; a deletion counts for ever; whoever is told in whatever order. */
import { newId, type DeviceId, type DocumentId } from '@markco/protocol';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareRow, type Row } from '@markco/replica/replicate/rows';

const DEVICES = 4;
const DOCUMENTS = 3;
const random = (seed: number) => ({ now: () => 1, randomBytes: (length: number) => new Uint8Array(length).fill(seed) });
const devices = Array.from({ length: DEVICES }, (_, n) => newId<DeviceId>(random(n + 1)));
const documents = Array.from({ length: DOCUMENTS }, (_, n) => newId<DocumentId>(random(n + 100)));

type Act =
  | {
      readonly act: 'rename';
      readonly device: number;
      readonly document: number;
      readonly skew: number;
      readonly path: string;
    }
  | { readonly act: 'delete'; readonly device: number; readonly document: number }
  | { readonly act: 'tell'; readonly device: number; readonly to: number; readonly stale: boolean };

const index = (below: number) => fc.integer({ min: 0, max: below - 1 });
const acts = fc.array(
  fc.oneof(
    fc.record({
      act: fc.constant('rename' as const),
      device: index(DEVICES),
      document: index(DOCUMENTS),
      // Of a clock that is wrong, in minutes.
      skew: fc.constantFrom(-60, -10, 0, 10),
      path: fc.constantFrom('a', 'b', 'c', 'deep/d'),
    }),
    fc.record({ act: fc.constant('delete' as const), device: index(DEVICES), document: index(DOCUMENTS) }),
    fc.record({ act: fc.constant('tell' as const), device: index(DEVICES), to: index(DEVICES), stale: fc.boolean() }),
  ),
  { maxLength: 40 },
);

function take(rows: Map<DocumentId, Row>, theirs: Row): void {
  const mine = rows.get(theirs.id);
  if (compareRow(mine, theirs).names === 'theirs')
    rows.set(theirs.id, { ...theirs, digest: mine?.digest ?? theirs.digest });
}

test('R18 R19 10,000 histories of names and deletions: the same everywhere, and what was deleted stays so, whatever a stale device says', () => {
  fc.assert(
    fc.property(acts, (history: readonly Act[]) => {
      const first = documents.map((id, n): Row => {
        const by = devices[0] ?? expect.unreachable();
        return {
          id,
          path: `page ${n}`,
          ext: '.md',
          createdAt: '2026-11-21T12:00:00Z',
          named: { at: 1, by },
          digest: '0'.repeat(16),
        };
      });
      const all = devices.map(() => new Map(first.map((row) => [row.id, row])));
      /** What each had at the beginning: a device that was away for long tells that. */
      const stale = first;
      const deleted = new Set<DocumentId>();
      let at = 1_000;
      for (const step of history) {
        const rows = all[step.device] ?? expect.unreachable();
        const by = devices[step.device] ?? expect.unreachable();
        at += 1;
        if (step.act === 'tell') {
          const to = all[step.to] ?? expect.unreachable();
          for (const row of step.stale ? stale : rows.values()) take(to, row);
          continue;
        }
        const id = documents[step.document] ?? expect.unreachable();
        const row = rows.get(id) ?? expect.unreachable();
        if (row.deletedAt !== undefined) continue;
        // A stamp never goes back on a device: it is later than what it follows (`catalog.ts`).
        const stamp = Math.max(row.named.at + 1, at + (step.act === 'rename' ? step.skew : 0));
        if (step.act === 'delete') {
          deleted.add(id);
          rows.set(id, { ...row, deletedAt: '2026-11-21T13:00:00Z', named: { at: stamp, by } });
        } else rows.set(id, { ...row, path: step.path, named: { at: stamp, by } });
      }
      for (let round = 0; round < DEVICES; round++)
        for (const from of all) for (const to of all) for (const row of [...stale, ...from.values()]) take(to, row);
      const named = all.map((rows) =>
        JSON.stringify(
          documents.map((id) => {
            const row = rows.get(id);
            return [id, row?.deletedAt !== undefined || row?.path, row?.deletedAt !== undefined];
          }),
        ),
      );
      expect(new Set(named).size).toBe(1);
      for (const rows of all)
        for (const id of documents) expect(rows.get(id)?.deletedAt !== undefined).toBe(deleted.has(id));
    }),
    { numRuns: 10_000 },
  );
});
