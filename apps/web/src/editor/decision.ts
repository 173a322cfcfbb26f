/**
 * Edits of a page that its owner makes beside its editor, by deciding what others suggest: undo in the editor takes them
 * back like what was typed there.
 */
import type { UndoManager } from 'yjs';

/** The origin of such an edit. */
export const DECISION = 'suggestions';

/** What can be undone in an editor. */
export type UndoHistory = Pick<UndoManager, 'undoStack' | 'stopCapturing' | 'on' | 'off'>;
