/** What a device has that the mesh carries to its user's others, and serves them with. */
import type { DeviceId, DocumentId, Failure, IdSource, Project } from '@markco/protocol';
import type { DocumentCatalog } from '@markco/replica/documents/catalog';
import type { Rooms } from '@markco/replica/documents/rooms';
import type { Connection } from '@markco/replica/listen/connection';
import type { Digests } from '@markco/replica/replicate/digests';
import type { Links } from '@markco/replica/replicate/links';
import type { MessageStream } from '@markco/replica/replicate/message-stream';
import type { ReplicateParts } from '@markco/replica/replicate/replicate-parts';
import type { Testimony } from '@markco/replica/replicate/witness';
import type { LocalStore } from '@markco/replica/store/store';
import type { Heartbeat } from './control.ts';
import type { OnTraffic } from './muxer.ts';
import type { PairParts } from './pair.ts';
import type { Trust } from './trust.ts';

export type MeshParts = {
  readonly trust: Trust;
  readonly ids: IdSource;
  readonly store: LocalStore;
  readonly about: PairParts['about'];
  readonly listen: readonly string[];
  readonly announce: readonly string[];
  readonly findsNeighbors: boolean;
  /** Whether an address is on a network that this machine is on. */
  readonly isNear: (address: string) => boolean;
  /** Whether this device passes on what the others say. */
  readonly isRelay: boolean;
  readonly rooms: Rooms;
  readonly catalog: DocumentCatalog;
  readonly digests: Digests;
  readonly links: Links;
  readonly testimony?: Testimony;
  readonly projects: {
    shared(): readonly Project[];
    refusal(id: DocumentId): Failure | undefined;
    takeRows: ReplicateParts['take'];
    root(id: string): string;
  };
  /** Serves another device as it serves a client, for as long as it is connected. */
  readonly serve: (connection: Connection, from: DeviceId) => void;
  readonly handle: (request: Request, from: DeviceId) => Response | Promise<Response>;
  readonly heartbeat: () => Promise<Heartbeat>;
  readonly onTraffic?: OnTraffic | undefined;
  readonly onHeartbeat?: (from: DeviceId) => void;
  /** What each two devices that are connected have one stream for, by the protocol's name. */
  readonly channels?: Readonly<Record<string, (stream: MessageStream, from: DeviceId) => void>>;
  /** Another device moves a session. */
  readonly onMove?: (stream: MessageStream, from: DeviceId) => void;
  /** What a device calls itself now, where that is known. */
  readonly calledNow?: (device: DeviceId) => string | undefined;
  readonly log: {
    info(event: string, fields?: Readonly<Record<string, unknown>>): void;
    warn(event: string, fields?: Readonly<Record<string, unknown>>, cause?: unknown): void;
  };
};
