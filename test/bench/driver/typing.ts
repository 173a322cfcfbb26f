/** Edits as an editor makes them, made beforehand, so that measuring them costs nothing but sending. */
import * as Y from 'yjs';

/** `count` letters typed one after the other by `client`, an update each; update n brings the client's clock to n + 1. */
export function typedLetters(client: number, count: number): Uint8Array[] {
  return recorded(client, (text) => {
    for (let at = 0; at < count; at++) text.insert(at, String.fromCharCode(97 + (at % 26)));
  });
}

/** One paste of `length` letters. */
export function pasted(client: number, length: number): Uint8Array {
  const [update] = recorded(client, (text) =>
    text.insert(0, 'The quick brown fox jumps. '.repeat(length).slice(0, length)),
  );
  if (update === undefined) throw new Error('an empty paste');
  return update;
}

/** [position, deleted, inserted] */
export type TraceEdit = readonly [number, number, string];

/** The edits of a trace, an update each, and the client's clock after each. */
export function replayed(
  client: number,
  edits: readonly TraceEdit[],
): { readonly updates: Uint8Array[]; readonly clocks: number[] } {
  const clocks: number[] = [];
  let clock = 0;
  const updates = recorded(client, (text, doc) => {
    for (const [at, remove, insert] of edits) {
      doc.transact(() => {
        if (remove > 0) text.delete(at, remove);
        if (insert !== '') text.insert(at, insert);
      });
      clock += insert.length;
      clocks.push(clock);
    }
  });
  return { updates, clocks };
}

function recorded(client: number, edit: (text: Y.Text, doc: Y.Doc) => void): Uint8Array[] {
  const doc = new Y.Doc();
  doc.clientID = client;
  const updates: Uint8Array[] = [];
  doc.on('update', (update: Uint8Array) => updates.push(update));
  edit(doc.getText('content'), doc);
  doc.destroy();
  return updates;
}
