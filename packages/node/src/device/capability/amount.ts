/** Numbers in what programs print for people: `24564`, `1,5`, `1.536` and `24 564` where a language groups by threes. */
export function amountOf(text: string | undefined): number | undefined {
  const trimmed = text?.trim() ?? '';
  if (/^\d{1,3}([.,\s]\d{3})+$/.test(trimmed)) return Number(trimmed.replaceAll(/\D/g, ''));
  return /^\d{1,15}([.,]\d{1,6})?$/.test(trimmed) ? Number(trimmed.replace(',', '.')) : undefined;
}

/** Parsed JSON, or undefined: what a program prints is no promise. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
