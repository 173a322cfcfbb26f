/**
 * One document of this peer: a live copy, and how far the device has it.
 *
 * Facts are counted, not guessed: every local edit has a number, every message sent remembers the last edit in it,
 * and "saved" names the messages that are on the device's disk.
 *
 * Invariants
 * 1. An edit counts as saved only after the device said so on the connection it was sent on, or said that both
 *    copies are equal.
 * 2. What was not saved when a connection ended is sent again with the next.
 * 3. An edit counts as kept here only after the own copy said that it is on this peer's disk.
 */
import {
  decodeFrame,
  digestOf,
  encodeFrame,
  encodeStateVector,
  Failure,
  LIMITS,
  NO_DIGEST,
  summarizeDoc,
  type DocumentId,
  type FailureBody,
  type ProjectId,
} from '@markco/protocol';
import { applyAwarenessUpdate, Awareness, encodeAwarenessUpdate, removeAwarenessStates } from 'y-protocols/awareness';
import * as Y from 'yjs';
import type { DocumentStatus, OpenDocument } from '../client.ts';
import { createFact } from '../fact.ts';
import type { Copies } from './copies.ts';

export const TEXT_NAME = 'content';

/** The state vector of a document without edits. */
const NOTHING = Uint8Array.of(0);

export type ReplicaParts = {
  readonly projectId: ProjectId;
  readonly documentId: DocumentId;
  readonly copies: Copies | undefined;
  readonly now: () => number;
};

/** The replica's end of a connection: what it may send. */
export type Channel = { send(frame: Uint8Array): void };

export type Replica = Omit<OpenDocument, 'close'> & {
  /** Resolves, never rejects, once the own copy was looked at; absent when there is none. */
  readonly copyLoaded: Promise<void> | undefined;
  /** What to say when the document is opened on a connection. */
  digest(): Uint8Array;
  connected(channel: Channel): void;
  disconnected(): void;
  receive(frame: Uint8Array): void;
  /** Both copies are equal, and the device has it on disk. */
  equal(): void;
  failed(failure: FailureBody['error']): void;
  destroy(): Promise<void>;
};

export function createReplica({ projectId, documentId, copies, now }: ReplicaParts): Replica {
  const doc = new Y.Doc({ guid: documentId });
  const awareness = new Awareness(doc);
  awareness.setLocalState(null);
  const remote = Symbol('device');
  const copy = copies?.keep(documentId, doc);
  const status = createFact<DocumentStatus>({ phase: 'loading', pendingEdits: 0, unkeptEdits: 0, synced: false });

  let channel: Channel | undefined;
  /** Between the opening message and its answer: edits made meanwhile. */
  let opening: Uint8Array[] | undefined;
  let localEdits = 0;
  let savedEdits = 0;
  let keptEdits = 0;
  let sent = 0;
  /** Messages not yet acknowledged: which one, and the last edit in it. */
  let unsaved: { readonly message: number; readonly edits: number }[] = [];
  /** What the device has, when the answer to it is too large to be sent. Tried again once the text is shorter. */
  let tooLargeFor: Uint8Array | undefined;
  let savedWaiters: { readonly edits: number; readonly resolve: () => void }[] = [];
  let settle: { resolve(): void; reject(failure: Failure): void } | undefined;
  const ready = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  // Whoever cares awaits it; nobody has to.
  ready.catch(() => {});

  function update(change: Partial<DocumentStatus>): void {
    status.set({ ...status.get(), ...change });
  }

  /** An edit was made, or the device has more of them. */
  function count(change: Partial<DocumentStatus> = {}): void {
    const pendingEdits = localEdits - savedEdits;
    update({ ...change, pendingEdits, unkeptEdits: unkept() });
    copy?.keep(localEdits, pendingEdits);
  }

  const unkept = (): number => Math.max(0, localEdits - Math.max(savedEdits, keptEdits));

  const stopHearing = copy?.kept.subscribe(({ edits, trouble }) => {
    keptEdits = Math.max(keptEdits, edits);
    const { copyTrouble: _, ...rest } = status.get();
    status.set({ ...rest, unkeptEdits: unkept(), ...(trouble === undefined ? {} : { copyTrouble: trouble }) });
  });

  function becomeReady(): void {
    if (status.get().phase === 'ready') return;
    update({ phase: 'ready' });
    settle?.resolve();
  }

  const copyLoaded = copy?.loaded.then(
    // An empty copy is no document yet: the device has the text.
    () => {
      // They come before those made since: the copy has them, and begins to count now.
      keptEdits = copy.unsavedEdits();
      localEdits += keptEdits;
      count();
      if (doc.store.clients.size > 0) becomeReady();
    },
    () => {},
  );

  /** Everything that the device lacks. */
  function sendAnswer(stateVector: Uint8Array): void {
    const wasTooLarge = tooLargeFor !== undefined;
    tooLargeFor = undefined;
    sendUpdate('step2', inPlace(doc, stateVector), stateVector);
    if (!wasTooLarge || tooLargeFor !== undefined) return;
    const { failure: _, ...rest } = status.get();
    status.set(rest);
  }

  /** @param stateVector of what the device surely has */
  function sendUpdate(type: 'step2' | 'update', bytes: Uint8Array, stateVector: Uint8Array = NOTHING): void {
    if (bytes.length > LIMITS.bulkUpdateBytesMax) {
      tooLargeFor = stateVector;
      update({
        failure: {
          code: 'too_large',
          message: 'This edit is larger than 16 MiB, so it stays on this screen only. Undo it, or split it.',
        },
      });
      return;
    }
    sent++;
    unsaved.push({ message: sent, edits: localEdits });
    channel?.send(encodeFrame({ type, update: bytes }));
  }

  function saved(edits: number): void {
    savedEdits = Math.max(savedEdits, edits);
    count(savedEdits === localEdits ? { savedAt: now() } : {});
    const done = savedWaiters.filter((waiter) => waiter.edits <= savedEdits);
    savedWaiters = savedWaiters.filter((waiter) => waiter.edits > savedEdits);
    for (const { resolve } of done) resolve();
  }

  const onUpdate = (bytes: Uint8Array, origin: unknown): void => {
    if (origin === remote || copies?.isOwn(origin) === true) return;
    localEdits++;
    count();
    if (channel === undefined) return;
    if (opening !== undefined) opening.push(bytes);
    else if (tooLargeFor === undefined) sendUpdate('update', bytes);
    else if (doc.getText(TEXT_NAME).length <= LIMITS.bulkUpdateBytesMax) sendAnswer(tooLargeFor);
  };
  doc.on('update', onUpdate);

  const onAwareness = (
    { added, updated, removed }: { added: number[]; updated: number[]; removed: number[] },
    origin: unknown,
  ): void => {
    if (origin === remote || channel === undefined) return;
    channel.send(
      encodeFrame({ type: 'awareness', update: encodeAwarenessUpdate(awareness, [...added, ...updated, ...removed]) }),
    );
  };
  awareness.on('update', onAwareness);

  return {
    projectId,
    documentId,
    doc,
    text: doc.getText(TEXT_NAME),
    awareness,
    status,
    ready,
    copyLoaded,
    version: () => toBase64(Y.encodeStateVector(doc)),

    saved(signal) {
      if (savedEdits >= localEdits && status.get().synced) return Promise.resolve();
      return new Promise((resolve, reject) => {
        const waiter = { edits: localEdits, resolve: done };
        function done(): void {
          signal.removeEventListener('abort', abort);
          resolve();
        }
        function abort(): void {
          savedWaiters = savedWaiters.filter((other) => other !== waiter);
          reject(
            new Failure('not_ready', 'The device has not said yet that the edits are on its disk. They are kept here.'),
          );
        }
        if (signal.aborted) {
          abort();
          return;
        }
        signal.addEventListener('abort', abort);
        savedWaiters.push(waiter);
      });
    },

    digest: () => (doc.store.clients.size === 0 ? NO_DIGEST : digestOf(summarizeDoc(doc))),

    connected(next) {
      channel = next;
      opening = [];
      sent = 0;
      unsaved = [];
      tooLargeFor = undefined;
      if (awareness.getLocalState() !== null) {
        channel.send(encodeFrame({ type: 'awareness', update: encodeAwarenessUpdate(awareness, [doc.clientID]) }));
      }
    },

    disconnected() {
      channel = undefined;
      opening = undefined;
      update({ synced: false });
      const others = [...awareness.getStates().keys()].filter((client) => client !== doc.clientID);
      removeAwarenessStates(awareness, others, remote);
    },

    receive(bytes) {
      const frame = decodeFrame(bytes);
      switch (frame.type) {
        case 'step1': {
          // Everything made since the opening message is in this answer.
          const fresh = opening !== undefined;
          opening = undefined;
          // Asked in the middle of a connection: what was sent before was not taken in. This answer stands for it.
          unsaved = [];
          sendAnswer(frame.stateVector);
          if (fresh && doc.store.clients.size > 0) {
            channel?.send(
              encodeFrame({
                type: 'step1',
                stateVector: encodeStateVector(Y.decodeStateVector(Y.encodeStateVector(doc))),
              }),
            );
          }
          return;
        }
        case 'step2':
          Y.applyUpdate(doc, frame.update, remote);
          update({ synced: true });
          becomeReady();
          return;
        case 'update':
          Y.applyUpdate(doc, frame.update, remote);
          return;
        case 'awareness':
          applyAwarenessUpdate(awareness, frame.update, remote);
          return;
        case 'query-awareness':
          channel?.send(
            encodeFrame({
              type: 'awareness',
              update: encodeAwarenessUpdate(awareness, [...awareness.getStates().keys()]),
            }),
          );
          return;
        case 'saved': {
          const reached = unsaved.filter(({ message }) => message <= frame.count).at(-1);
          unsaved = unsaved.filter(({ message }) => message > frame.count);
          if (reached !== undefined) saved(reached.edits);
          return;
        }
        case 'denied':
          update({ failure: { code: 'forbidden', message: frame.reason } });
          return;
        // Between devices alone.
        case 'held':
        case 'unknown':
      }
    },

    equal() {
      const since = opening ?? [];
      opening = undefined;
      update({ synced: true });
      becomeReady();
      saved(localEdits - since.length);
      for (const bytes of since) sendUpdate('update', bytes);
    },

    failed(failure) {
      channel = undefined;
      opening = undefined;
      update({ synced: false, failure });
      if (status.get().phase === 'ready') return;
      update({ phase: 'failed' });
      settle?.reject(new Failure(failure.code, failure.message));
    },

    async destroy() {
      doc.off('update', onUpdate);
      awareness.off('update', onAwareness);
      awareness.destroy();
      stopHearing?.();
      await copy?.close();
      doc.destroy();
    },
  };
}

function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/**
 * What this copy has and that one lacks. Yjs would add what waits here for the text it refers to: others wrote that,
 * and they have both. A device that lacks the text too (its power was cut) could take in none of the answer.
 */
function inPlace(doc: Y.Doc, stateVector: Uint8Array): Uint8Array {
  const { store } = doc;
  const { pendingStructs, pendingDs } = store;
  Object.assign(store, { pendingStructs: null, pendingDs: null });
  try {
    return Y.encodeStateAsUpdate(doc, stateVector);
  } finally {
    Object.assign(store, { pendingStructs, pendingDs });
  }
}
