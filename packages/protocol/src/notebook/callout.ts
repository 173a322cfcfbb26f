/** Callouts: block quotes that begin with `[!NOTE]`, `[!TIP]`, `[!IMPORTANT]`, `[!WARNING]` or `[!CAUTION]`. */
const CALLOUT = /^\[!(note|tip|important|warning|caution)\]/i;

/** What the text of a quote begins with, without its `>`: the kind in lower case, and how long the mark is; null for a plain quote. */
export function calloutOf(text: string): { readonly kind: string; readonly length: number } | null {
  const match = CALLOUT.exec(text);
  return match === null ? null : { kind: (match[1] ?? '').toLowerCase(), length: match[0].length };
}
