/** Sessions that move between the user's devices: what is asked of this one, by a person here and by the others. */
import type { Device, DevicePolicy, IdSource } from '@markco/protocol';
import type { Audit } from '@markco/replica/observe/audit';
import type { Runs } from '../../runs/runs.ts';
import type { Mesh } from '../mesh.ts';
import type { Arrive } from '../placing/arrive.ts';
import type { Placing } from '../placing/placing.ts';
import type { Trust } from '../trust.ts';
import { createMove, type Move, type Moved } from './move.ts';
import { createMovesHere } from './moves-here.ts';
import { createServeMove } from './serve-move.ts';

export type MovingParts = {
  readonly mesh: Mesh;
  readonly trust: Trust;
  readonly device: Device;
  readonly ids: IdSource;
  readonly sessions: Runs['sessions'];
  readonly arrive: Arrive;
  readonly placing: Pick<Placing, 'moved'>;
  readonly policy: () => Promise<DevicePolicy>;
  readonly log: { info(event: string, fields?: Readonly<Record<string, unknown>>): void };
  /** What matters later. */
  readonly note: Audit['note'];
  readonly onTrouble: (doing: string, cause: unknown) => void;
};

export type Moving = {
  move(move: Move, signal: AbortSignal): Promise<Moved>;
  /** Another device moves a session. */
  readonly serve: ReturnType<typeof createServeMove>;
};

export function createMoving(parts: MovingParts): Moving {
  const { mesh, trust, device, ids, sessions, arrive, placing, policy, log, note, onTrouble } = parts;
  const here = createMovesHere({ sessions, arrive });
  const serve = createServeMove({
    ...{ trust, device, policy, here, onTrouble, peers: mesh.peers },
    onMoved(event, from, { projectId, language, kept, lostCount, bytes }) {
      log.info(event, { by: from, project_id: projectId, language, kept, lost: lostCount, bytes });
      note(event, { project_id: projectId, about: from, reason: language });
      mesh.beat();
    },
  });
  const move = createMove({ device, mesh, trust, ids, here });

  return {
    serve,
    async move(wanted, signal) {
      const moved = await move(wanted, signal);
      const { packed, session, to } = moved;
      log.info('session.migrated', {
        ...{ session_id: wanted.id, new_session_id: session.id, from: wanted.from ?? device.id, to },
        ...{ project_id: packed.projectId, language: packed.language },
        ...{ kept: packed.kept, lost: packed.lostCount, bytes: packed.bytes },
      });
      note('session.migrated', {
        ...{ project_id: packed.projectId, route_target: 'device', reason: packed.language },
        about: `${wanted.id} ${wanted.from ?? device.id} ${session.id} ${to}`,
      });
      placing.moved(packed, to);
      mesh.beat();
      return moved;
    },
  };
}
