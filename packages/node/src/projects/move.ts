/**
 * Moving a document: its own relative links and those that lead to it are rewritten, so that nothing breaks; moving
 * it back undoes all of it.
 */
import { rewriteLinks, type DocumentId } from '@markco/protocol';
import { filePathOf } from '@markco/protocol';
import type { DocumentRecord } from '../documents/document-record.ts';
import type { TextEdit } from '../documents/texts.ts';

export type MoveParts = {
  readonly records: Iterable<DocumentRecord>;
  readonly read: (record: DocumentRecord) => Promise<string>;
  readonly edit: (id: DocumentId, edits: readonly TextEdit[]) => Promise<void>;
};

/** Rewrites after `moved` went from `from` to `to` (file paths). Answers which documents changed and how many links. */
export async function rewriteLinksTo(parts: MoveParts, moved: DocumentId, from: string, to: string): Promise<{ links: number; documents: DocumentId[] }> {
  let links = 0;
  const documents: DocumentId[] = [];
  for (const record of parts.records) {
    const text = await parts.read(record);
    if (record.id !== moved && !mentions(text, from)) continue;
    const edits = rewriteLinks(text, record.id === moved ? from : filePathOf(record), { from, to });
    if (edits.length === 0) continue;
    await parts.edit(
      record.id,
      edits.map(({ from: at, to: end, insert }) => ({ at, remove: end - at, insert })),
    );
    links += edits.length;
    documents.push(record.id);
  }
  return { links, documents };
}

/** A cheap look before a whole parse: a link to a document names the last part of its path. */
function mentions(text: string, filePath: string): boolean {
  const name = (filePath.split('/').at(-1) ?? '').replace(/\.(md|qmd)$/, '');
  return text.includes(name) || text.includes(encodeURIComponent(name)) || text.includes(encodeURI(name));
}
