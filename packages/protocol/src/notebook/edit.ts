/** A replacement in a document's text: what every change proposed here comes down to. */
export type TextEdit = { readonly from: number; readonly to: number; readonly insert: string };

/** The text after the edits, which are in order and do not overlap. */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  let result = '';
  let at = 0;
  for (const edit of edits) {
    result += text.slice(at, edit.from) + edit.insert;
    at = edit.to;
  }
  return result + text.slice(at);
}

/**
 * The same change with as few characters replaced as possible, so that cursors and concurrent edits around it stay.
 * Never cuts a character of two units in half. Null when nothing changes.
 */
export function narrowEdit(text: string, edit: TextEdit): TextEdit | null {
  const { insert } = edit;
  const old = text.slice(edit.from, edit.to);
  if (old === insert) return null;
  const shorter = Math.min(old.length, insert.length);
  let start = 0;
  while (start < shorter && old[start] === insert[start]) start++;
  if (start > 0 && isHighSurrogate(old.charCodeAt(start - 1))) start--;
  let end = 0;
  while (end < shorter - start && old[old.length - 1 - end] === insert[insert.length - 1 - end]) end++;
  if (end > 0 && isLowSurrogate(old.charCodeAt(old.length - end))) end--;
  return { from: edit.from + start, to: edit.to - end, insert: insert.slice(start, insert.length - end) };
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}
