/**
 * Who writes under which Yjs client id, as far as that is known here without signed edits (decision 0023).
 *
 * Two writers under one id are what makes replicas differ for ever: each keeps the text that it saw first. So
 *
 * 1. An id that somebody writes with here goes on here alone: what another device says was written with it is not taken.
 * 2. A device tells the others it is connected to which ids are written with on it, before any edit under them leaves
 *    it. While both are connected, such an id is taken from that device alone: it brings everything of it itself.
 *    Of edits that came together the others are taken (`parts.ts`).
 * 3. An id is of the first that says so. Whoever only passes edits on is asked again once the writer is gone.
 */
import type { DeviceId, DocumentId } from '@markco/protocol';

/** Ids of one device in all documents; of more, those that were told last are not protected. */
const CLAIMS_MAX = 10_000;
/** Ids that were used for one step each, of files and of restored moments; of more, the newest are remembered. */
const STEPS_MAX = 10_000;

export type AuthorChange = { readonly documentId: DocumentId; readonly client: number; readonly isHere: boolean };

export type Authors = {
  /** Somebody who is here now writes with it. Answers how to say that they have left. */
  writes(documentId: DocumentId, client: number): () => void;
  /** This device wrote one step with it, and never will again. */
  stepped(documentId: DocumentId, client: number): void;
  /** What another device says of itself. False for an id that is written with here, or is of another device. */
  claim(device: DeviceId, documentId: DocumentId, client: number): boolean;
  unclaim(device: DeviceId, documentId: DocumentId, client: number): void;
  /** It is not connected any more. */
  forget(device: DeviceId): void;
  /** Whether edits under this id may be taken from a device. */
  mayTell(device: DeviceId, documentId: DocumentId, client: number): boolean;
  /** All that are written with here now. */
  here(): Iterable<readonly [DocumentId, number]>;
  onChange(listener: (change: AuthorChange) => void): () => void;
  /** An id of the document is of no other device any more. */
  onFree(listener: (documentId: DocumentId) => void): () => void;
};

const keyOf = (documentId: DocumentId, client: number): string => `${documentId}/${client}`;

export function createAuthors(): Authors {
  /** How many are here that write with it. */
  const writers = new Map<string, number>();
  const steps = new Set<string>();
  const claims = new Map<string, DeviceId>();
  const counts = new Map<DeviceId, number>();
  const listeners = new Set<(change: AuthorChange) => void>();
  const freeListeners = new Set<(documentId: DocumentId) => void>();

  function tell(documentId: DocumentId, client: number, isHere: boolean): void {
    for (const listener of listeners) listener({ documentId, client, isHere });
  }

  function drop(device: DeviceId, key: string): void {
    claims.delete(key);
    counts.set(device, (counts.get(device) ?? 1) - 1);
  }

  function free(documentIds: Iterable<DocumentId>): void {
    for (const id of new Set(documentIds)) for (const listener of freeListeners) listener(id);
  }

  const split = (key: string): readonly [DocumentId, number] => {
    const at = key.indexOf('/');
    return [key.slice(0, at) as DocumentId, Number(key.slice(at + 1))];
  };

  return {
    writes(documentId, client) {
      const key = keyOf(documentId, client);
      const before = writers.get(key) ?? 0;
      writers.set(key, before + 1);
      if (before === 0) tell(documentId, client, true);
      return () => {
        const left = (writers.get(key) ?? 1) - 1;
        if (left > 0) return void writers.set(key, left);
        writers.delete(key);
        tell(documentId, client, false);
      };
    },
    stepped(documentId, client) {
      steps.add(keyOf(documentId, client));
      const [oldest] = steps;
      if (steps.size > STEPS_MAX && oldest !== undefined) steps.delete(oldest);
    },
    claim(device, documentId, client) {
      const key = keyOf(documentId, client);
      const of = claims.get(key);
      if (of === device) return true;
      if (of !== undefined || writers.has(key) || steps.has(key)) return false;
      const count = counts.get(device) ?? 0;
      if (count >= CLAIMS_MAX) return true;
      claims.set(key, device);
      counts.set(device, count + 1);
      return true;
    },
    unclaim(device, documentId, client) {
      const key = keyOf(documentId, client);
      if (claims.get(key) !== device) return;
      drop(device, key);
      free([documentId]);
    },
    forget(device) {
      const gone = [...claims].filter(([, of]) => of === device).map(([key]) => key);
      for (const key of gone) claims.delete(key);
      counts.delete(device);
      free(gone.map((key) => split(key)[0]));
    },
    mayTell(device, documentId, client) {
      const key = keyOf(documentId, client);
      if (writers.has(key) || steps.has(key)) return false;
      const of = claims.get(key);
      return of === undefined || of === device;
    },
    here: () => [...writers.keys()].map(split),
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    onFree(listener) {
      freeListeners.add(listener);
      return () => void freeListeners.delete(listener);
    },
  };
}
