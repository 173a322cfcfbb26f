/** The source files of the repository and what they import: read once, asked by the tidy rules and the import table. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

export type SourceFile = { readonly path: string; readonly text: string };

export type Import = {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  /** As written: `./x.ts`, `yjs`, `@markco/protocol/limits`, `node:fs`. */
  readonly specifier: string;
};

const PLACES = ['apps', 'packages', 'setup', 'test', 'vitest.config.ts'];
const SOURCE = /\.(ts|tsx|mjs|css|py)$/;

/** Every source file, by its path from the root with `/`. Not what is installed, built or hidden. */
export function readSources(root: string): readonly SourceFile[] {
  return PLACES.flatMap((place) => walk(root, place)).map((path) => ({
    path,
    text: readFileSync(join(root, path), 'utf8'),
  }));
}

function walk(root: string, path: string): readonly string[] {
  if (SOURCE.test(path)) return [path];
  return readdirSync(join(root, path), { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith('.') || entry.name === 'node_modules' || entry.name === 'dist') return [];
    const inner = `${path}/${entry.name}`;
    return entry.isDirectory() ? walk(root, inner) : SOURCE.test(entry.name) ? [inner] : [];
  });
}

/** The package, app or top folder that a file belongs to: `packages/node`, `apps/web`, `test`. */
export function roomOf(path: string): string {
  const [top = '', name = ''] = path.split('/');
  return top === 'packages' || top === 'apps' ? `${top}/${name}` : top;
}

const IMPORT =
  /(?:^|[\s;}])(?:import|export)\s*(?:type\s+)?(?:[\w*{][^'";]*?\sfrom\s*)?['"]([^'"\n]+)['"]|(?<![.\w])import\s*\(\s*['"]([^'"\n]+)['"]\s*\)/g;

export function importsOf({ path, text }: SourceFile): readonly Import[] {
  if (!/\.(ts|tsx|mjs)$/.test(path)) return [];
  const code = text.replace(/\/\*[^]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '));
  return [...code.matchAll(IMPORT)].map((match) => ({
    path,
    line: code.slice(0, match.index + match[0].length).split('\n').length,
    specifier: match[1] ?? match[2] ?? '',
  }));
}

/** The room an import leads to, or null for what is installed from outside. */
export function roomImported({ path, specifier }: Import): string | null {
  if (specifier.startsWith('.')) return roomOf(posix.join(posix.dirname(path), specifier));
  const own = /^@markco\/([\w-]+)/.exec(specifier);
  if (own === null) return null;
  const name = own[1] ?? '';
  return name === 'cli' || name === 'web' ? `apps/${name}` : `packages/${name}`;
}

/** The installed package that an import names: `yjs`, `@codemirror/view`; null for our own and for Node's. */
export function packageImported({ specifier }: Import): string | null {
  if (specifier.startsWith('.') || specifier.startsWith('@markco/') || /^(node|virtual|data):/.test(specifier))
    return null;
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier);
}
