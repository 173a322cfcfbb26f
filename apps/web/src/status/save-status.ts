/**
 * What the page says of a document's safety: a pure function of facts, computed when asked, never stored.
 *
 * 1. `saved` is said only when the device itself said that everything is on its disk.
 * 2. What threatens work is said before what is merely slow.
 * 3. Being without the device while everything is saved is no warning about the document.
 * 4. Without the device, an edit is counted as being on this device only once the own copy has it on disk.
 * 5. Other devices are counted only while the device answers, and only of the very state that is in view.
 */
import type { Connection, CopyTrouble, DocumentStatus } from '@markco/client';

export type FileTrouble = { readonly path: string; readonly code: string; readonly message: string };

/** A device that has the project of the document. */
export type CopyHere = {
  readonly name: string;
  /** Whether it is known to have the document on its disk as it is now. */
  readonly has: boolean;
  readonly online: boolean;
  /** Unix milliseconds: since when it has it; of one that has not, since when it is connected, or is not. */
  readonly since: number;
};

export type SaveFacts = {
  readonly connection: Connection['state'];
  readonly document: DocumentStatus;
  /** The file of this document, or its folder, cannot be written. */
  readonly trouble?: FileTrouble;
  /** Of exactly the state that is in view, this device first; absent while that is not known, or there are no others. */
  readonly copies?: readonly CopyHere[];
};

export type SaveStatus =
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'loading' }
  | {
      readonly kind: 'cannot-write';
      readonly path: string;
      readonly reason: 'disk-full' | 'no-permission' | 'other';
      readonly message: string;
    }
  | { readonly kind: 'connecting' }
  /**
   * `edits`: in the own copy, not yet on the device's disk; `undefined` when this page has not heard from the device, so
   * that nobody can say.
   */
  | { readonly kind: 'offline'; readonly edits: number | undefined }
  /** Without the device, and the own copy takes its time. */
  | { readonly kind: 'keeping' }
  /** Without the device, and this browser keeps nothing: what is typed lasts as long as the page. */
  | { readonly kind: 'not-kept'; readonly reason: Exclude<CopyTrouble, 'slow'> }
  | { readonly kind: 'saving' }
  | { readonly kind: 'saved'; readonly at?: number; readonly copies?: readonly CopyHere[] };

function reasonOf(code: string): 'disk-full' | 'no-permission' | 'other' {
  if (code === 'disk_full' || code === 'ENOSPC' || code === 'EDQUOT') return 'disk-full';
  return code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'forbidden' ? 'no-permission' : 'other';
}

export function saveStatus({ connection, document, trouble, copies }: SaveFacts): SaveStatus {
  if (document.phase === 'failed') return { kind: 'failed', message: document.failure?.message ?? '' };
  if (document.failure !== undefined) return { kind: 'failed', message: document.failure.message };
  if (document.phase === 'loading') return { kind: 'loading' };
  const { pendingEdits, unkeptEdits, copyTrouble, savedAt } = document;
  if (connection === 'connecting') {
    if (pendingEdits > 0) return { kind: 'saving' };
    return savedAt === undefined ? { kind: 'connecting' } : { kind: 'saved', at: savedAt };
  }
  if (connection === 'offline') {
    if (copyTrouble === 'full' || copyTrouble === 'refused') return { kind: 'not-kept', reason: copyTrouble };
    const kept = pendingEdits - unkeptEdits;
    // While the copy is quick, the edit of this instant is counted with the next look.
    if (unkeptEdits > 0 && (kept === 0 || copyTrouble === 'slow')) return { kind: 'keeping' };
    return { kind: 'offline', edits: savedAt === undefined && pendingEdits === 0 ? undefined : kept };
  }
  if (pendingEdits > 0) return { kind: 'saving' };
  if (trouble !== undefined)
    return { kind: 'cannot-write', path: trouble.path, reason: reasonOf(trouble.code), message: trouble.message };
  if (!document.synced) return { kind: 'saving' };
  return {
    kind: 'saved',
    ...(savedAt === undefined ? {} : { at: savedAt }),
    ...(copies === undefined ? {} : { copies }),
  };
}
