/**
 * Documents of which it is not known whether the other side has all of them, because a connection ended before it said
 * so, or because it refused them for a moment: asked for again and again until it says.
 */
import type { DocumentId } from '@markco/protocol';

const ASK_MS = 2_000;
/** At a time; the others come when these are settled. */
const ASKED_MAX = 100;

export function askAboutUnsettled(
  unsettled: (() => Iterable<DocumentId>) | undefined,
  want: (id: DocumentId) => void,
): () => void {
  if (unsettled === undefined) return () => undefined;
  const timer = setInterval(() => {
    let asked = 0;
    for (const id of unsettled()) {
      if (++asked > ASKED_MAX) return;
      want(id);
    }
  }, ASK_MS).unref();
  return () => clearInterval(timer);
}
