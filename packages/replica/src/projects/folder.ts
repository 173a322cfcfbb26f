/** Where the names of documents are kept: what those who name them need of it, whatever it is. */
import type { DocumentId } from '@markco/protocol';
import type { DocumentRecord, FileForm, FileState } from '../documents/document-record.ts';

/** Where the documents of a project have their names: a folder of files on a device, the catalog alone on a server. */
export type Folder = {
  /** Documents that are new here. Resolves when their rows are on disk. */
  begin(records: readonly DocumentRecord[]): Promise<unknown>;
  /** A document with this text, under a name that is free. */
  create(filePath: string, text: string, form?: FileForm): Promise<DocumentRecord>;
  remove(id: DocumentId): Promise<unknown>;
  rename(id: DocumentId, filePath: string): Promise<unknown>;
  /** What a document starts with that has a file and no log yet. */
  initialText(id: DocumentId): Promise<{ readonly text: string; readonly file: FileState }>;
  /** Looks for what changed while nobody did. */
  rescan(signal: AbortSignal): Promise<void>;
};
