/** Who looks at the page by a share link, and what of the page is for them. */
import type { DocumentId, Joined } from '@markco/protocol';

export type Guest = Pick<Joined, 'id' | 'role' | 'endsAt' | 'copy' | 'document'> & {
  /** The link leads to one document. */
  readonly isOfDocument: boolean;
};

export const guestOf = ({ id, role, endsAt, document, copy }: Joined): Guest => ({
  ...{ id, role, isOfDocument: document !== undefined },
  ...(document === undefined ? {} : { document }),
  ...(copy === undefined ? {} : { copy }),
  ...(endsAt === undefined ? {} : { endsAt }),
});

const FOR_ALL = new Set([
  ...['palette', 'shortcuts', 'sidebar', 'outline', 'saved', 'file-names'],
  ...['theme', 'language', 'reconnect'],
]);
const IN_PROJECT = new Set(['quick-open', 'find-in-project']);

export const mayWrite = (guest: Guest | undefined, id: DocumentId | undefined): boolean =>
  guest === undefined || guest.role === 'edit' || (guest.copy !== undefined && guest.copy.id === id);

/** Whether a command of the page is for whoever looks at it. */
export function isFor(guest: Guest | undefined, command: string): boolean {
  if (guest === undefined || FOR_ALL.has(command)) return true;
  return IN_PROJECT.has(command) ? !guest.isOfDocument : command === 'history' && guest.role === 'edit';
}
