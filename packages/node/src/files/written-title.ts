/**
 * The title that a document's text gives it, kept in its row so that a list of documents reads no text. Without one the
 * document is called by its path, which may change without the text.
 *
 * Only the start is looked at, so that a folder of thousands is listed in a moment: a first heading further down is
 * no title.
 */
import { titleOf } from '@markco/protocol';
import type { DocumentRecord } from '@markco/replica/documents/document-record';

const HEAD_CHARS = 16 * 1024;
/** What a title can come from: front matter, or a heading in either form, of the first level. */
const MAY_HAVE_TITLE = /^---[ \t]*\r?\n|^ {0,3}#[ \t]|^ {0,3}=+[ \t]*$/m;

export function writtenTitle(text: string): string | undefined {
  const head = text.slice(0, HEAD_CHARS);
  const title = MAY_HAVE_TITLE.test(head) ? titleOf(head, '') : '';
  return title === '' ? undefined : title;
}

export function withTitle(record: DocumentRecord, title: string | undefined): DocumentRecord {
  const { title: _, ...rest } = record;
  return title === undefined ? rest : { ...rest, title };
}
