/**
 * Moving a document: its own relative links and those that lead to it are rewritten, so that nothing breaks; moving
 * it back undoes all of it.
 *
 * A document that cannot be read (its file is gone just now, or is no text) is passed over: the move has happened.
 */
import { Failure, filePathOf, rewriteLinks, type DocumentId } from '@markco/protocol';
import type { DocumentRecord } from '../documents/document-record.ts';
import type { TextEdit } from '../documents/texts.ts';

export type MoveParts = {
  readonly records: Iterable<DocumentRecord>;
  /** The text, as cheaply as it can be had. */
  readonly read: (record: DocumentRecord) => Promise<string>;
  /** The text and its position, to which edits of it refer. */
  readonly readForEdit: (id: DocumentId) => Promise<{ readonly text: string; readonly seq: number }>;
  readonly edit: (id: DocumentId, seq: number, edits: readonly TextEdit[]) => Promise<void>;
};

/** Rewrites after `moved` went from `from` to `to` (file paths). Answers which documents changed and how many links. */
export async function rewriteLinksTo(
  parts: MoveParts,
  moved: DocumentId,
  from: string,
  to: string,
): Promise<{ links: number; documents: DocumentId[] }> {
  let links = 0;
  const documents: DocumentId[] = [];
  const records = [...parts.records];
  const files = records.map((record) => (record.id === moved ? from : filePathOf(record)));
  const rewrite = (text: string, file: string) => rewriteLinks(text, file, { from, to }, { files });
  for (const record of records) {
    const isMoved = record.id === moved;
    const base = isMoved ? from : filePathOf(record);
    const seen = await readable(parts.read(record));
    if (seen === undefined || (!isMoved && !mentions(seen, from)) || rewrite(seen, base).length === 0) continue;
    const now = await readable(parts.readForEdit(record.id));
    const edits = now === undefined ? [] : rewrite(now.text, base);
    if (now === undefined || edits.length === 0) continue;
    await parts.edit(
      record.id,
      now.seq,
      edits.map(({ from: at, to: end, insert }) => ({ at, remove: end - at, insert })),
    );
    links += edits.length;
    documents.push(record.id);
  }
  return { links, documents };
}

/** What cannot be read as a document is `undefined`. */
export async function readable<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof Failure && ['not_found', 'too_large', 'unsupported', 'document_deleted'].includes(error.code))
      return undefined;
    throw error;
  }
}

/**
 * A cheap look before a whole parse: a link to a document has the last part of its path in it, in one of the
 * spellings that `[[…]]` takes. A text with escapes may spell it in any way.
 */
function mentions(text: string, filePath: string): boolean {
  const name = (filePath.split('/').at(-1) ?? '').replace(/\.(md|qmd)$/, '').replace(/^_?\d+[-_. ]+(?=.)/, '');
  return plain(text).includes(plain(name)) || /%[0-9a-f]{2}|&[#\w]+;|\\[!-/:-@[-`{-~]/i.test(text);
}

function plain(text: string): string {
  return text
    .normalize('NFC')
    .toLowerCase()
    .replaceAll(/[-_ ]+/g, ' ');
}
