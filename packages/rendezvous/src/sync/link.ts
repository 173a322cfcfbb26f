/**
 * `WS /api/link`: a device of the user, in the frames in which two devices keep their documents equal.
 *
 *   device ─► {"op":"hello","deviceId","userId","proof"?}    `proof`: of its key, where its token is bound to one
 *          ◄─ {"op":"hello","deviceId","userId","mode"?}    of the rendezvous; then what `replicate` says, both ways
 *
 * The device leads: it compares, this side answers. `mode` is that of the rendezvous where it is not the usual one: of one
 * that is a mirror, a device takes nothing.
 */
import {
  DeviceIdSchema,
  Failure,
  USUAL_SYNC_MODE,
  UserIdSchema,
  type DeviceId,
  type Subject,
  type SyncMode,
  type UserId,
} from '@markco/protocol';
import type { WebSocketConnection } from '@markco/replica/listen/connection';
import { connectionStream } from '@markco/replica/replicate/connection-stream';
import { replicate, type Replication } from '@markco/replica/replicate/replicate';
import * as z from 'zod/mini';
import type { Admission } from '../accounts/admission.ts';
import type { Kept } from '../documents/kept.ts';

const short = z.string().check(z.maxLength(100));
const HelloSchema = z.object({
  op: z.literal('hello'),
  deviceId: DeviceIdSchema,
  userId: UserIdSchema,
  proof: z.optional(z.object({ key: short, challenge: short, signature: short })),
});

export type LinksParts = {
  readonly kept: Kept;
  /** Who this is. */
  readonly self: DeviceId;
  readonly mode: SyncMode;
  readonly now: () => number;
  readonly admission: Pick<Admission, 'admitDevice' | 'hold'>;
  /** It came, or it went. */
  readonly onDevice: (device: DeviceId, userId: UserId, isOnline: boolean) => void;
  readonly onTrouble: (doing: string, cause: unknown) => void;
};

export type DeviceLinks = {
  serve(connection: WebSocketConnection, subject: Subject): void;
  /** Devices that are connected. */
  readonly count: number;
};

export function createDeviceLinks({ kept, self, mode, now, admission, onDevice, onTrouble }: LinksParts): DeviceLinks {
  const { rooms, catalog, digests, links } = kept;
  const replications = new Map<DeviceId, Replication>();
  const tellProjects = (): void => {
    for (const each of replications.values()) each.tellProjects();
  };
  catalog.onProjects(tellProjects);

  function begin(connection: WebSocketConnection, device: DeviceId, userId: UserId): void {
    const mine = kept.of(userId);
    const stream = connectionStream(connection);
    // A device that has lost its connection comes with another one before this side has noticed.
    replications.get(device)?.close();
    const replication = replicate(stream, false, {
      ...{ rooms, catalog, digests, links, device, now, onTrouble },
      isAuthor: true,
      projects: mine.list,
      refusal: mine.refusal,
      take: mine.takeRows,
      onProjects(projects) {
        const fresh = projects.filter(({ id }) => catalog.project(id) === undefined);
        if (fresh.length === 0) return;
        void Promise.all(fresh.map((project) => mine.keep(project)))
          .then(tellProjects)
          .catch((cause: unknown) => onTrouble('keeping a project', cause));
      },
      onHeld: () => undefined,
      wasted: () => undefined,
    });
    replications.set(device, replication);
    onDevice(device, userId, true);
    connection.onClose(() => {
      if (replications.get(device) === replication) replications.delete(device);
      onDevice(device, userId, false);
    });
  }

  async function greet(connection: WebSocketConnection, subject: Subject, text: string): Promise<void> {
    const hello = HelloSchema.safeParse(parse(text));
    if (!hello.success) throw new Failure('bad_request', 'A device says first who it is.');
    const { deviceId, userId, proof } = hello.data;
    await admission.admitDevice(subject, userId, proof);
    admission.hold(connection, subject);
    connection.text({ op: 'hello', deviceId: self, userId, ...(mode === USUAL_SYNC_MODE ? {} : { mode }) });
    begin(connection, deviceId, userId);
  }

  return {
    get count() {
      return replications.size;
    },
    serve(connection, subject) {
      connection.onText((text) => {
        connection.onText(() => connection.refuse(new Failure('bad_request', 'Wait for the greeting.')));
        greet(connection, subject, text).catch((cause: unknown) => connection.refuse(Failure.from(cause)));
      });
      connection.onBytes(() => connection.refuse(new Failure('bad_request', 'A device says first who it is.')));
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
