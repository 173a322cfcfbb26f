/** What a folder tells those who listen, and why it leaves a file alone. */
import type { DocumentId } from '@markco/protocol';

export const LEFT_ALONE = {
  hidden: 'Its name starts with a dot, and such files stay on their device.',
  'machine-folder': 'Programs fill this folder and rebuild it when asked; it is never synced.',
  'virtual-environment': 'This folder is a Python environment (it holds pyvenv.cfg); it is never synced.',
  'too-large': 'The file is larger than a document may be. Split it, or keep it as an asset.',
  'not-text': 'The file is not UTF-8 text. Save it as UTF-8.',
  'leads-outside': 'The link leads out of the project, or to nothing. Copy the file into the project.',
  'linked-folder': 'Linked folders are not followed. Open the folder as a project of its own.',
  'special-file': 'It is no regular file.',
  unreadable: 'The system does not allow MarkCo to read it. Give yourself permission.',
  'bad-name': 'A document cannot have this name on every device. Rename it.',
  'name-taken': 'Another file has the same name once letters are written the same way. Rename one of the two.',
  'too-many': 'The project has as many documents as it may have. Split it.',
  'folder-empty':
    'The folder is empty, but it held documents before. If it is on a disk that is not mounted, mount it; nothing was deleted in MarkCo.',
} as const;
export type LeftAloneReason = keyof typeof LEFT_ALONE;

export type FolderEvent =
  | { readonly type: 'added' | 'changed' | 'removed'; readonly id: DocumentId; readonly filePath: string }
  | { readonly type: 'renamed'; readonly id: DocumentId; readonly from: string; readonly filePath: string }
  /** Files that are no documents appeared, changed or went. */
  | { readonly type: 'others'; readonly paths: readonly string[] }
  | {
      readonly type: 'left-alone';
      readonly filePath: string;
      readonly reason: LeftAloneReason;
      readonly message: string;
    }
  | {
      readonly type: 'write-failed';
      readonly id: DocumentId;
      readonly filePath: string;
      readonly code: string;
      readonly message: string;
    }
  /** The file had further names, which keep the text of before. */
  | { readonly type: 'links-parted'; readonly id: DocumentId; readonly filePath: string; readonly others: number }
  | { readonly type: 'write-recovered'; readonly id: DocumentId; readonly filePath: string }
  /** The folder could not be looked through; it is tried again. */
  | { readonly type: 'scan-failed'; readonly code: string; readonly message: string }
  | { readonly type: 'watching'; readonly how: 'native' | 'polling'; readonly message: string };
