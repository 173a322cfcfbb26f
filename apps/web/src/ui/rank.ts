/** Fuzzy ranking of things with a title and a smaller detail. At most `rowsMax` come back: who sees the one wanted among more, types another letter. */
import uFuzzy from '@leeoniya/ufuzzy';

const rowsMax = 60;
const fuzzy = new uFuzzy({
  unicode: true,
  interSplit: "[^\\p{L}\\d']+",
  intraSplit: '\\p{Ll}\\p{Lu}',
  intraBound: '\\p{L}\\d|\\d\\p{L}|\\p{Ll}\\p{Lu}',
  intraChars: "[\\p{L}\\d']",
  intraIns: 2,
});

/** The items that fit the query, best first; the first of them in their own order when there is no query. Accents do not matter. */
export function rankItems<T extends { readonly title: string; readonly detail: string }>(
  items: readonly T[],
  query: string,
): readonly T[] {
  const wanted = query.trim();
  if (wanted === '') return items.slice(0, rowsMax);
  const haystack = uFuzzy.latinize(items.map((item) => `${item.title} ${item.detail}`));
  const [found, info, order] = fuzzy.search(haystack, uFuzzy.latinize([wanted])[0] ?? wanted, 4, 2_000);
  const ranked = info === null || order === null ? (found ?? []) : order.map((at) => info.idx[at] ?? -1);
  return ranked.slice(0, rowsMax).flatMap((index) => items[index] ?? []);
}
