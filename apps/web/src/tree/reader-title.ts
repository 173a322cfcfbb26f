/** What readers call a document: its title where the device knows it, else its name without number and dashes. */
import type { Document } from '@markco/protocol';
import { labelOf } from '@markco/protocol/notebook/title';

export function readerTitle(document: Pick<Document, 'path' | 'title'>): string {
  return document.title ?? labelOf(document.path);
}
