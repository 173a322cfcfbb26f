/** docs/acceptance.md: every test that it names exists, and keeps things where the page says. */

type Promised = { readonly line: string; readonly tests: readonly Named[]; readonly stores: readonly string[] };
type Named = { readonly file: string; readonly words: string };

/** The rows of its tables that name a test. */
export function promised(markdown: string): readonly Promised[] {
  return markdown.split('\n').flatMap((line) => {
    const [, , shown = '', stores = ''] = line.split('|');
    if (!line.startsWith('| ') || line.startsWith('| Promise |')) return [];
    const tests = [...shown.matchAll(/`([^`]+)` "([^"]+)"/g)].map(([, file = '', words = '']) => ({ file, words }));
    return [{ line, tests, stores: stores.split(',').map((each) => each.trim()) }];
  });
}

/** The names of the tests of a file, as they are written there. */
const namesIn = (source: string): readonly string[] =>
  [...source.matchAll(/\b(?:test|base)(?:\.\w+\([^)]*\))?\(\s*(['"`])(.*?)\1/gs)].map(([, , name = '']) => name);

/** @param read the text of a file; undefined where there is none */
export function broken(markdown: string, read: (file: string) => string | undefined): readonly string[] {
  return promised(markdown).flatMap(({ line, tests, stores }) => {
    if (tests.length === 0) return [`No test is named: ${line}`];
    const sources = tests.map(({ file }) => read(file) ?? '');
    const missing = tests.flatMap(({ file, words }, at) =>
      namesIn(sources[at] ?? '').some((name) => name.includes(words)) ? [] : [`${file} has no test "${words}"`],
    );
    const elsewhere = stores.filter((store) => !isTriedOn(store, sources));
    return [...missing, ...elsewhere.map((store) => `Nothing is kept in ${store || '(nothing)'} there: ${line}`)];
  });
}

function isTriedOn(store: string, sources: readonly string[]): boolean {
  if (store === '(Postgres)') return sources.some((source) => source.includes('/cloud.fixture.ts'));
  if (store === 'Postgres') return sources.some((source) => /postgres|onEachStore|isFar/i.test(source));
  return store === 'Level' || store === 'simulated';
}
