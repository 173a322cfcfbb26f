/**
 * The public face of a peer that hosts nothing: it opens documents, follows runs and keeps an offline copy.
 * One client is one socket to one device, however many documents and runs it has open.
 */
import type {
  Copies,
  Document,
  DocumentId,
  FailureBody,
  ProjectId,
  Run,
  RunEvent,
  RunId,
  RunRequest,
  SessionId,
} from '@markco/protocol';
import type { Awareness } from 'y-protocols/awareness';
import type { Doc, Text } from 'yjs';
import type { Api } from './api.ts';
import type { CopyTrouble } from './documents/copies.ts';
import type { Fact } from './fact.ts';

export type Connection =
  | { readonly state: 'connecting'; readonly since: number }
  | { readonly state: 'online'; readonly since: number }
  /** `retryAt`: Unix milliseconds of the next try. `refused`: the device said no (signed out), no further try is made. */
  | {
      readonly state: 'offline';
      readonly since: number;
      readonly reason: string;
      readonly retryAt?: number;
      readonly refused?: true;
    };

export type DocumentStatus = {
  /** `loading`: neither the own copy nor the device has answered yet. `ready`: it can be read and edited. */
  readonly phase: 'loading' | 'ready' | 'failed';
  /** Edits made here that the device has not yet said are on its disk. */
  readonly pendingEdits: number;
  /** Those of them that this peer's own copy is not known to have on disk either: they end with the page. */
  readonly unkeptEdits: number;
  /** Why the own copy does not keep edits now. */
  readonly copyTrouble?: CopyTrouble;
  /** Unix milliseconds when the device last said that everything is on its disk. */
  readonly savedAt?: number;
  /** Whether this document and the device's are known to be equal or are being kept so. */
  readonly synced: boolean;
  readonly failure?: FailureBody['error'];
};

export type OpenDocument = {
  readonly projectId: ProjectId;
  readonly documentId: DocumentId;
  readonly doc: Doc;
  /** `doc.getText('content')`: the document. */
  readonly text: Text;
  readonly awareness: Awareness;
  readonly status: Fact<DocumentStatus>;
  /** Resolves once there is a text to show: from the own copy, else from the device. Rejects with a Failure. */
  readonly ready: Promise<void>;
  /** Resolves once every edit made so far is on the device's disk. */
  saved(signal: AbortSignal): Promise<void>;
  /** This document's state vector in base64, as `docVersion` of a run wants it. */
  version(): string;
  close(): void;
};

export type ProjectChange = {
  readonly projectId: ProjectId;
  readonly documents?: readonly Document[];
  readonly removed?: readonly DocumentId[];
  readonly run?: Run;
  /** Paths of files that are no documents, and appeared, changed or went. */
  readonly files?: readonly string[];
  /** On whose disks a document is that is open here, as it was with this digest. */
  readonly copies?: Copies;
  readonly trouble?: {
    readonly path: string;
    readonly code: string;
    readonly message: string;
    readonly recovered: boolean;
  };
};

export type RunFollower = {
  /** Every event once, in order, from `fromSeq` on, across any number of dropped connections. */
  onEvent(event: RunEvent): void;
  /** After the last event. */
  onEnd(run: Run): void;
  onError?(error: FailureBody['error']): void;
};

export type Client = {
  readonly connection: Fact<Connection>;
  /** One typed call a route of the table: `client.api('documents', { params: { id } })`. */
  readonly api: Api;
  /** Opening the same document twice gives two handles on one copy; it closes with the last. */
  openDocument(ref: { readonly projectId: ProjectId; readonly documentId: DocumentId }): OpenDocument;
  /** Over the socket, so that a run costs no handshake. Sent again with the same id after a dropped connection. */
  submitRun(request: RunRequest, signal: AbortSignal): Promise<Run>;
  followRun(runId: RunId, fromSeq: number, follower: RunFollower): () => void;
  answerRun(runId: RunId, text: string): Promise<void>;
  cancelRun(runId: RunId): Promise<Run>;
  interruptSession(sessionId: SessionId): Promise<void>;
  watchProject(projectId: ProjectId, onChange: (change: ProjectChange) => void): () => void;
  /** Try again at once instead of waiting for the next try. */
  reconnect(): void;
  close(): Promise<void>;
};
