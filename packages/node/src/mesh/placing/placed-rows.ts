/** Runs that this device places, as they are kept on its disk: each until its end, and the last ENDED_MAX after it. */
import {
  DeviceIdSchema,
  LanguageSchema,
  ProjectIdSchema,
  RunRequestSchema,
  RunSchema,
  type RunId,
} from '@markco/protocol';
import type { CoordinatedRun } from '@markco/scheduler';
import * as z from 'zod/mini';
import { nameKey } from '@markco/replica/store/key';
import type { LocalStore } from '@markco/replica/store/store';

const ENDED_MAX = 1_000;
const PREFIX = 'placed-run/';

const RowSchema = z.object({
  request: RunRequestSchema,
  session: z.object({ projectId: ProjectIdSchema, language: LanguageSchema, name: z.string() }),
  /** The device a person or the cell named. */
  named: z.nullable(DeviceIdSchema),
  needsGpu: z.union([z.boolean(), z.literal('cuda')]),
  until: z.optional(z.number()),
  run: RunSchema,
  state: z.object({
    phase: z.enum(['queued', 'waiting', 'offered', 'granted', 'running', 'unreachable', 'ended']),
    host: z.nullable(DeviceIdSchema),
    fence: z.int(),
    /** What was granted before a restart may start for as long as any grant lasts; 'always' on its session's host. */
    grant: z.enum(['never', 'once', 'always']),
    isStarted: z.boolean(),
    isCancelAsked: z.boolean(),
    end: z.nullable(z.enum(['completed', 'failed', 'cancelled', 'lost'])),
  }),
});
export type PlacedRow = Omit<z.infer<typeof RowSchema>, 'state'> & { readonly state: CoordinatedRun };

export type PlacedRows = ReturnType<typeof createPlacedRows>;

export function createPlacedRows(store: LocalStore) {
  const keyOf = (id: RunId): Uint8Array => nameKey(PREFIX + id);
  const ended: RunId[] = [];

  return {
    /** Survives a kill when it resolves; with `sync`, it is on disk. */
    async put(row: PlacedRow, { sync }: { readonly sync: boolean }): Promise<void> {
      const { startsUntilMs, unanswered: _, ...state } = row.state;
      const grant = startsUntilMs === null ? 'never' : startsUntilMs === Infinity ? 'always' : 'once';
      const value = new TextEncoder().encode(JSON.stringify({ ...row, state: { ...state, grant } }));
      const gone = row.state.phase === 'ended' && ended.push(row.run.id) > ENDED_MAX ? ended.shift() : undefined;
      await store.write(
        [{ key: keyOf(row.run.id), value }, ...(gone === undefined ? [] : [{ key: keyOf(gone), value: null }])],
        { sync },
      );
    },

    get(id: RunId): PlacedRow | null {
      const found = store.get(keyOf(id));
      return found === undefined ? null : read(found, Infinity);
    },

    /**
     * All of them, oldest first. Call once, at a start.
     * @param lastGrantMs until when what was granted before may still start
     */
    async load(lastGrantMs: number): Promise<readonly PlacedRow[]> {
      const rows: PlacedRow[] = [];
      for await (const [, value] of store.range({ gte: nameKey(PREFIX), lt: nameKey(`${PREFIX}~`) })) {
        const row = read(value, lastGrantMs);
        if (row === null) continue;
        rows.push(row);
        if (row.state.phase === 'ended') ended.push(row.run.id);
      }
      return rows;
    },
  };
}

/** Null for a row of another version: its host has the run, if any has. */
function read(value: Uint8Array, lastGrantMs: number): PlacedRow | null {
  const parsed = RowSchema.safeParse(JSON.parse(new TextDecoder().decode(value)));
  if (!parsed.success) return null;
  const { grant, ...state } = parsed.data.state;
  const startsUntilMs = grant === 'never' ? null : grant === 'always' ? Infinity : lastGrantMs;
  return { ...parsed.data, state: { ...state, startsUntilMs, unanswered: 0 } };
}
