/**
 * Character references (`&amp;`, `&#233;`) as text.
 *
 * Of the two thousand names of HTML only those that change what a text means to us are here; the others stay as
 * written, and a browser shows them as it does in any page. Whoever needs all of them passes a table.
 */
const NAMES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0' };

/** @param named gives the character of a name the short table lacks, or undefined */
export function decodeEntity(reference: string, named?: (name: string) => string | undefined): string {
  const match = /^&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|(\w+));$/.exec(reference);
  if (match === null) return reference;
  const [, decimal, hexadecimal, name] = match;
  if (name !== undefined) return (Object.hasOwn(NAMES, name) ? NAMES[name] : undefined) ?? named?.(name) ?? reference;
  const code = decimal === undefined ? Number.parseInt(hexadecimal ?? '0', 16) : Number(decimal);
  const isCharacter = code > 0 && code <= 0x10_ffff && !(code >= 0xd800 && code < 0xe000);
  return isCharacter ? String.fromCodePoint(code) : '\ufffd';
}
