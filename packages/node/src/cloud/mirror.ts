/**
 * Whether a cloud that is a mirror has what is here. Both sides tell a digest of each document now and then; a document
 * with two digests is
 *
 *   behind   something from here is on its way there
 *   ahead    everything from here is there, and something else besides: it was written at the cloud, and is not taken
 *
 * Only the second is a mismatch. Each is counted and logged once, and again when it is another one.
 */
import type { DocumentId, ProjectId } from '@markco/protocol';
import type { DocumentCatalog } from '@markco/replica/documents/catalog';
import type { Rooms } from '@markco/replica/documents/rooms';
import type { Compared, Differing } from '@markco/replica/replicate/compared';
import type { Digests } from '@markco/replica/replicate/digests';

/** The pause before a look: after something has changed here, and what it grows to while nothing does. */
const LOOK_MS = 3_000;
const LOOK_MS_MAX = 60_000;
/** Of one look; the counter has them all. */
const LOGGED_MAX = 100;

export type MirrorParts = {
  readonly catalog: Pick<DocumentCatalog, 'get'>;
  readonly rooms: Pick<Rooms, 'onChange' | 'peek'>;
  readonly digests: Pick<Digests, 'now'>;
  readonly metrics: {
    readonly mirrored: { set(labels: { state: 'ahead' | 'behind' }, count: number): void };
    readonly mismatches: { inc(count: number): void };
  };
  readonly log: { warn(event: string, fields: Readonly<Record<string, string | number>>): void };
};

/** While the device is connected to such a cloud. */
export type Looks = {
  readonly compared: Compared;
  /** The cloud has a document up to there. */
  held(id: DocumentId, seq: number): void;
  end(): void;
};

export type Mirror = { begin(compare: () => void): Looks };

export function createMirror({ catalog, rooms, digests, metrics, log }: MirrorParts): Mirror {
  /** What the cloud had of a document when it was counted. */
  const counted = new Map<DocumentId, string>();
  const found = new Map<ProjectId, { readonly ahead: ReadonlySet<DocumentId>; readonly behind: number }>();

  function show(): void {
    const all = [...found.values()];
    metrics.mirrored.set(
      { state: 'ahead' },
      all.reduce((sum, { ahead }) => sum + ahead.size, 0),
    );
    metrics.mirrored.set(
      { state: 'behind' },
      all.reduce((sum, { behind }) => sum + behind, 0),
    );
  }

  function note(projectId: ProjectId, ahead: readonly Differing[]): void {
    const fresh = ahead.filter(({ id, there }) => counted.get(id) !== stateOf(there));
    for (const { id, there } of fresh) counted.set(id, stateOf(there));
    if (fresh.length > 0) metrics.mismatches.inc(fresh.length);
    for (const { id, here, there } of fresh.slice(0, LOGGED_MAX))
      log.warn('mirror.mismatch', {
        project_id: projectId,
        document_id: id,
        doc_path: catalog.get(id)?.path ?? there?.path ?? '',
        here: here?.digest ?? 'nothing',
        there: there?.digest ?? 'nothing',
      });
    if (fresh.length > LOGGED_MAX)
      log.warn('mirror.mismatches', { project_id: projectId, more: fresh.length - LOGGED_MAX });
  }

  return {
    begin(compare) {
      /** The digest that was here of what the cloud has all of. */
      const held = new Map<DocumentId, string>();
      let pauseMs = LOOK_MS;
      let timer: NodeJS.Timeout | undefined;

      function look(): void {
        compare();
        pauseMs = Math.min(LOOK_MS_MAX, pauseMs * 2);
        plan();
      }
      function plan(): void {
        clearTimeout(timer);
        timer = setTimeout(look, pauseMs).unref();
      }
      const soon = (): void => {
        if (pauseMs === LOOK_MS) return;
        pauseMs = LOOK_MS;
        plan();
      };

      const isAhead = ({ id, here, there, verdict }: Differing): boolean =>
        here === undefined ||
        verdict.names === 'theirs' ||
        (there !== undefined && verdict.texts && held.get(id) === here.digest);

      const stop = rooms.onChange(soon);
      plan();
      return {
        compared(projectId, differing) {
          const ahead = differing.filter(isAhead);
          const before = found.get(projectId)?.ahead ?? new Set();
          const now = new Set(ahead.map(({ id }) => id));
          for (const id of before) if (!now.has(id)) counted.delete(id);
          found.set(projectId, { ahead: now, behind: differing.length - ahead.length });
          note(projectId, ahead);
          show();
        },
        held(id, seq) {
          const room = rooms.peek(id);
          const digest = room?.seq === seq ? digests.now(id) : undefined;
          if (digest !== undefined) held.set(id, digest);
        },
        end() {
          clearTimeout(timer);
          stop();
          found.clear();
          show();
        },
      };
    },
  };
}

const stateOf = (there: Differing['there']): string => `${there?.digest} ${there?.named.at} ${there?.path}`;
