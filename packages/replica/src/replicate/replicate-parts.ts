/** What keeping documents equal with another device takes of this one (`replicate.ts`). */
import type { DeviceId, DocumentId, Failure, Project, ProjectId } from '@markco/protocol';
import type { DocumentCatalog } from '../documents/catalog.ts';
import type { Rooms } from '../documents/rooms.ts';
import type { Digests } from './digests.ts';
import type { Links } from './links.ts';
import type { Compared } from './compared.ts';
import type { Row } from './rows.ts';
import type { Testimony, Witness } from './witness.ts';

export type ReplicateParts = {
  readonly rooms: Rooms;
  readonly catalog: DocumentCatalog;
  readonly digests: Digests;
  readonly links: Links;
  /** The other device. */
  readonly device: DeviceId;
  /** Whether it may change anything; of one that may not, no edit, name or deletion is looked at. */
  readonly isAuthor: boolean;
  /** Hears how each comparing of a project ended, where that is wanted. */
  readonly compared?: Compared;
  readonly now: () => number;
  /** Of this device: what is open and shared with the other. */
  readonly projects: () => readonly Project[];
  readonly refusal: (id: DocumentId) => Failure | undefined;
  /** Takes names and deletions over. Rejects when it cannot be done now. */
  readonly take: (projectId: ProjectId, rows: readonly Row[]) => Promise<void>;
  /** What the other device has open. */
  readonly onProjects: (projects: readonly Project[]) => void;
  /** How far the other device has a document. */
  readonly onHeld: (id: DocumentId, seq: number) => void;
  readonly onTrouble: (doing: string, cause: unknown) => void;
  /** The other device told nothing new (`conduct.ts`). */
  readonly wasted: (cost: number) => void;
  /** Documents of which it is not known whether the other one has all: they are compared when the two meet. */
  readonly unsettled?: () => Iterable<DocumentId>;
  /** Where the other one is held to what it says. */
  readonly witness?: Witness;
  /** Where the two tell each other what a cloud said to them. */
  readonly testimony?: Testimony;
};
