/** A text as the first edit of a document. */
import { Doc, encodeStateAsUpdate } from 'yjs';

export const TEXT_NAME = 'content';

export function insertion(text: string): Uint8Array {
  const doc = new Doc({ guid: '' });
  doc.getText(TEXT_NAME).insert(0, text);
  const update = encodeStateAsUpdate(doc);
  doc.destroy();
  return update;
}
