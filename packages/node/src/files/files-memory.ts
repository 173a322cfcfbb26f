/**
 * For tests: a folder in memory with inodes, whose every access first asks a hook, which may let somebody else write,
 * fail as a full disk does, or end the program.
 */
import { errorCode, fileFailure, folderOf, type FileKind, type Files, type FileStat } from './files.ts';

export type Inode = {
  readonly ino: number;
  kind: FileKind;
  bytes: Uint8Array;
  mtimeMs: number;
  ctimeMs: number;
  readonly birthtimeMs: number;
  mode: number;
  target?: string;
};
export type Site =
  | 'list'
  | 'stat'
  | 'resolve'
  | 'open'
  | 'openStat'
  | 'openRead'
  | 'writeNew'
  | 'filled'
  | 'replace'
  | 'replaced'
  | 'place'
  | 'move'
  | 'remove'
  | 'makeFolder'
  | 'syncFolder';

export type MemoryFolder = {
  readonly nodes: Map<string, Inode>;
  /** Writes as another program does: a new inode under the name, or into the one that is there. */
  write(path: string, bytes: Uint8Array, how: 'replace' | 'in-place'): void;
  fill(inode: Inode, bytes: Uint8Array): void;
  files(hook: (site: Site, path: string) => void | Promise<void>): Files;
};

/** A system error as Node makes them. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: planted`), { code });
}

export function createMemoryFolder({ ignoresCase = false }: { readonly ignoresCase?: boolean } = {}): MemoryFolder {
  let nextIno = 2;
  let tick = 1_700_000_000_000;
  const root: Inode = {
    ino: 1,
    kind: 'folder',
    bytes: new Uint8Array(),
    mtimeMs: tick,
    ctimeMs: tick,
    birthtimeMs: tick,
    mode: 0o755,
  };
  const nodes = new Map<string, Inode>();
  const now = (): number => (tick += 1);
  const keyOf = (path: string): string => {
    if (!ignoresCase || nodes.has(path)) return path;
    return [...nodes.keys()].find((key) => key.toLowerCase() === path.toLowerCase()) ?? path;
  };
  const at = (path: string): Inode | undefined => (path === '' ? root : nodes.get(keyOf(path)));
  const make = (kind: FileKind, bytes: Uint8Array, mode: number): Inode => {
    const made = now();
    return { ino: nextIno++, kind, bytes, mtimeMs: made, ctimeMs: made, birthtimeMs: made, mode };
  };
  const statOf = ({ ino, kind, bytes, mtimeMs, ctimeMs, birthtimeMs, mode }: Inode): FileStat => ({
    ino,
    kind,
    size: bytes.length,
    mtimeMs,
    ctimeMs,
    birthtimeMs,
    mode,
    uid: 0,
    gid: 0,
    links: 1,
  });
  const makeFolder = (folder: string): void => {
    if (folder === '' || at(folder) !== undefined) return;
    makeFolder(folderOf(folder));
    nodes.set(folder, make('folder', new Uint8Array(), 0o755));
  };
  const fill = (inode: Inode, bytes: Uint8Array): void => {
    inode.bytes = bytes;
    inode.mtimeMs = inode.ctimeMs = now();
  };

  return {
    nodes,
    fill,
    write(path, bytes, how) {
      makeFolder(folderOf(path));
      const there = at(path);
      if (how === 'in-place' && there !== undefined) fill(there, bytes);
      else nodes.set(keyOf(path), make('file', bytes, 0o644));
    },
    files(hook) {
      const attempt = async <T>(site: Site, path: string, work: () => T | Promise<T>): Promise<T> => {
        try {
          await hook(site, path);
          return await work();
        } catch (error) {
          throw errorCode(error) === undefined ? error : fileFailure(error, path);
        }
      };
      return {
        list: (folder) =>
          attempt('list', folder, () => {
            const prefix = folder === '' ? '' : `${folder}/`;
            return [...nodes]
              .filter(([path]) => path !== '' && path.startsWith(prefix) && !path.slice(prefix.length).includes('/'))
              .map(([path, { kind }]) => ({ name: path.slice(prefix.length), kind }));
          }),
        stat: (path) =>
          attempt('stat', path, () => {
            const there = at(path);
            return there === undefined ? undefined : statOf(there);
          }),
        resolve: (path) =>
          attempt('resolve', path, () => {
            const there = at(path);
            if (there === undefined) return 'missing';
            if (there.kind !== 'link') return { path };
            return there.target === undefined || at(there.target) === undefined ? 'outside' : { path: there.target };
          }),
        open: (path) =>
          attempt('open', path, () => {
            const inode = at(path);
            if (inode === undefined || inode.kind !== 'file') return undefined;
            return {
              stat: () => attempt('openStat', path, () => statOf(inode)),
              read: (bytesMax) =>
                attempt('openRead', path, () => (inode.bytes.length > bytesMax ? null : Uint8Array.from(inode.bytes))),
              close: () => Promise.resolve(),
            };
          }),
        writeNew: (path, bytes, like) =>
          attempt('writeNew', path, async () => {
            if (at(path) !== undefined) throw systemError('EEXIST');
            const inode = make('file', bytes.slice(0, bytes.length / 2), like?.mode ?? 0o644);
            nodes.set(path, inode);
            await hook('filled', path);
            fill(inode, bytes);
            return statOf(inode);
          }),
        replace: (temp, path, isExpected) =>
          attempt('replace', path, async () => {
            const [there, inode] = [at(path), nodes.get(temp)];
            if (inode === undefined) throw systemError('ENOENT');
            if (!isExpected(there === undefined ? undefined : statOf(there))) return false;
            nodes.set(keyOf(path), inode);
            nodes.delete(temp);
            inode.ctimeMs = now();
            await hook('replaced', path);
            return true;
          }),
        place: (temp, path) =>
          attempt('place', path, () => {
            const inode = nodes.get(temp);
            if (inode === undefined) throw systemError('ENOENT');
            if (at(path) !== undefined) return false;
            nodes.set(path, inode);
            nodes.delete(temp);
            return true;
          }),
        move: (from, to) =>
          attempt('move', to, () => {
            const [inode, there] = [at(from), at(to)];
            if (inode === undefined || (there !== undefined && there !== inode)) return false;
            makeFolder(folderOf(to));
            nodes.delete(keyOf(from));
            nodes.set(to, inode);
            inode.ctimeMs = now();
            return true;
          }),
        remove: (path, isExpected) =>
          attempt('remove', path, () => {
            const there = at(path);
            if (there === undefined || !isExpected(statOf(there))) return false;
            return nodes.delete(keyOf(path));
          }),
        makeFolder: (folder) => attempt('makeFolder', folder, () => makeFolder(folder)),
        syncFolder: (folder) => attempt('syncFolder', folder, () => undefined),
      };
    },
  };
}
