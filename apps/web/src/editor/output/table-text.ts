/** The first table of HTML that a program made, as tab-separated text. The HTML is read as data: nothing of it runs or loads. */
const HTML_CHARS_MAX = 5_000_000;

/** Null when there is none. */
export function tableText(html: string): string | null {
  if (html.length > HTML_CHARS_MAX || !/<table/i.test(html)) return null;
  const table = new DOMParser().parseFromString(html, 'text/html').querySelector('table');
  if (table === null) return null;
  const clean = (text: string): string => text.replace(/\s+/g, ' ').trim();
  return [...table.rows].map((row) => [...row.cells].map((cell) => clean(cell.textContent)).join('\t')).join('\n');
}
