/**
 * The files of a real folder.
 *
 * A path is checked and then used, and between the two somebody may swap a part of it for a link. So a folder is
 * opened first, the open folder is asked where it is, and what follows goes through it (`/proc/self/fd/N/name`),
 * wherever its name points by then. Where the system has no such paths, the check and the use share one turn of
 * the event loop, which is as close as they can get.
 *
 * Kept when a file is replaced: name, mode, owner (as far as we may set it), links to it by name. Not kept: a second
 * hard link, which stays with the old content, and what Node cannot reach: extended attributes and ACLs
 * (`docs/decisions/0010-a-replaced-file-parts-from-its-hard-links.md`).
 */
import {
  close,
  closeSync,
  constants,
  fchmod,
  fchown,
  fstat,
  fsync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  realpathSync,
  renameSync,
  unlinkSync,
  write,
  type Dirent,
  type Stats,
} from 'node:fs';
import { lstat, open, readdir, realpath, type FileHandle } from 'node:fs/promises';
import { sep } from 'node:path';
import { promisify } from 'node:util';
import { Failure } from '@markco/protocol';
import {
  errorCode,
  fileFailure,
  folderOf,
  type Entry,
  type FileKind,
  type FileOwner,
  type FileStat,
  type Files,
  type OpenFile,
  type Resolved,
} from './files.ts';

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_DIRECTORY } = constants;
const READ = O_RDONLY | (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0);
const CREATE = O_WRONLY | O_CREAT | O_EXCL | (O_NOFOLLOW ?? 0);
const MODE_NEW = 0o666;
const MODE_BITS = 0o7777;
/** What a file system without hard links answers to `link`. */
const NO_HARD_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL']);

const [writeFd, syncFd, statFd, chmodFd, chownFd, closeFd] = [
  promisify(write),
  promisify(fsync),
  promisify(fstat),
  promisify(fchmod),
  promisify(fchown),
  promisify(close),
];

/** @param root an absolute path of a folder that exists */
export function createDiskFiles(root: string): Files {
  const home = realpathSync(root);
  const hasFdPaths = canOpenThroughFd(home);
  const absolute = (path: string): string =>
    path === '' ? home : `${home}${sep}${sep === '/' ? path : path.replaceAll('/', sep)}`;
  const isInside = (real: string): boolean => real === home || real.startsWith(home.endsWith(sep) ? home : home + sep);
  const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

  const requireInside = (real: string, path: string): void => {
    if (!isInside(real))
      throw new Failure(
        'forbidden',
        `${JSON.stringify(path)} now leads out of its folder, so MarkCo leaves it alone. Put the folder back in its place.`,
        { retryable: true },
      );
  };

  /** Calls `use` with a prefix for names in this folder, which stays the same folder meanwhile. */
  const inFolder = <T>(folder: string, use: (prefix: string) => T): T => {
    if (!hasFdPaths) {
      const real = realpathSync(absolute(folder));
      requireInside(real, folder);
      return use(real + sep);
    }
    const fd = openSync(absolute(folder), O_RDONLY | O_DIRECTORY);
    try {
      requireInside(readlinkSync(`/proc/self/fd/${fd}`), folder);
      return use(`/proc/self/fd/${fd}/`);
    } finally {
      closeSync(fd);
    }
  };

  const makeFolder = (folder: string): void => {
    if (folder === '') return;
    const parent = folderOf(folder);
    makeFolder(parent);
    inFolder(parent, (prefix) => {
      try {
        mkdirSync(prefix + nameOf(folder));
      } catch (error) {
        if (errorCode(error) !== 'EEXIST') throw error;
      }
    });
  };

  const attempt = async <T>(path: string, work: () => T | Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw fileFailure(error, path);
    }
  };

  return {
    list: (folder) =>
      attempt(folder, async () => {
        const entries = await readdir(absolute(folder), { withFileTypes: true });
        return entries.map((entry): Entry => ({ name: entry.name, kind: kindOf(entry) }));
      }),

    stat: (path) => attempt(path, () => lstat(absolute(path)).then(toStat, ifMissing)),

    resolve: (path) =>
      attempt(path, async (): Promise<Resolved> => {
        const real = await realpath(absolute(path)).catch(ifMissing);
        if (real === undefined) return 'missing';
        if (!isInside(real)) return 'outside';
        return { path: real.slice(home.length).split(sep).filter(Boolean).join('/') };
      }),

    open: (path) =>
      attempt(path, async () => {
        const handle = await open(absolute(path), READ).catch((error: unknown) =>
          errorCode(error) === 'ELOOP' ? undefined : ifMissing(error),
        );
        if (handle === undefined) return undefined;
        try {
          requireInside(hasFdPaths ? readlinkSync(`/proc/self/fd/${handle.fd}`) : realpathSync(absolute(path)), path);
          if ((await handle.stat()).isFile()) return toOpenFile(handle);
        } catch (error) {
          await handle.close();
          throw error;
        }
        await handle.close();
        return undefined;
      }),

    writeNew: (path, bytes, like) =>
      attempt(path, async () => {
        const fd = inFolder(folderOf(path), (prefix) => openSync(prefix + nameOf(path), CREATE, MODE_NEW));
        try {
          return await fill(fd, bytes, like);
        } finally {
          await closeFd(fd);
        }
      }),

    replace: (temp, path, isExpected) =>
      attempt(path, () =>
        inFolder(folderOf(path), (prefix) => {
          if (!isExpected(statSyncOf(prefix + nameOf(path)))) return false;
          renameSync(prefix + nameOf(temp), prefix + nameOf(path));
          return true;
        }),
      ),

    place: (temp, path) =>
      attempt(path, () =>
        inFolder(folderOf(path), (prefix) => {
          try {
            linkSync(prefix + nameOf(temp), prefix + nameOf(path));
          } catch (error) {
            if (errorCode(error) === 'EEXIST') return false;
            if (!NO_HARD_LINKS.has(errorCode(error) ?? '')) throw error;
            if (statSyncOf(prefix + nameOf(path)) !== undefined) return false;
            renameSync(prefix + nameOf(temp), prefix + nameOf(path));
            return true;
          }
          unlinkSync(prefix + nameOf(temp));
          return true;
        }),
      ),

    move: (from, to) =>
      attempt(to, () => {
        makeFolder(folderOf(to));
        return inFolder(folderOf(from), (source) =>
          inFolder(folderOf(to), (target) => {
            const [there, here] = [statSyncOf(target + nameOf(to)), statSyncOf(source + nameOf(from))];
            // On a file system without case `a.md` is there when `A.md` is: the same file, no other one.
            if (here === undefined || (there !== undefined && there.ino !== here.ino)) return false;
            renameSync(source + nameOf(from), target + nameOf(to));
            return true;
          }),
        );
      }),

    remove: (path, isExpected) =>
      attempt(path, () =>
        inFolder(folderOf(path), (prefix) => {
          const there = statSyncOf(prefix + nameOf(path));
          if (there === undefined || !isExpected(there)) return false;
          unlinkSync(prefix + nameOf(path));
          return true;
        }),
      ),

    makeFolder: (folder) => attempt(folder, () => makeFolder(folder)),

    syncFolder: (folder) =>
      attempt(folder, async () => {
        const handle = await open(absolute(folder), O_RDONLY);
        try {
          await handle.sync();
        } catch (error) {
          // Some systems cannot sync a folder; there the rename is as durable as it gets.
          if (!['EINVAL', 'EPERM', 'EISDIR'].includes(errorCode(error) ?? '')) throw error;
        } finally {
          await handle.close();
        }
      }),
  };
}

async function fill(fd: number, bytes: Uint8Array, like: FileOwner | undefined): Promise<FileStat> {
  for (let from = 0; from < bytes.length;) from += (await writeFd(fd, bytes, from, bytes.length - from)).bytesWritten;
  if (like !== undefined) {
    const now = await statFd(fd);
    if (now.uid !== like.uid || now.gid !== like.gid) {
      await chownFd(fd, like.uid, like.gid).catch((error: unknown) => {
        // Only root may give a file away; for others it becomes their own, as with any editor that replaces files.
        if (errorCode(error) !== 'EPERM') throw error;
      });
    }
    await chmodFd(fd, like.mode & MODE_BITS);
  }
  await syncFd(fd);
  return toStat(await statFd(fd));
}

function toOpenFile(handle: FileHandle): OpenFile {
  return {
    stat: async () => toStat(await handle.stat()),
    async read(bytesMax) {
      const { size } = await handle.stat();
      if (size > bytesMax) return null;
      const bytes = new Uint8Array(size);
      let length = 0;
      while (length < size) {
        const { bytesRead } = await handle.read(bytes, length, size - length, length);
        if (bytesRead === 0) break;
        length += bytesRead;
      }
      return bytes.subarray(0, length);
    },
    close: () => handle.close(),
  };
}

function statSyncOf(path: string): FileStat | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat === undefined ? undefined : toStat(stat);
}

function toStat(stat: Stats): FileStat {
  const { ino, size, mtimeMs, ctimeMs, birthtimeMs, mode, uid, gid, nlink: links } = stat;
  return { kind: kindOf(stat), ino, size, mtimeMs, ctimeMs, birthtimeMs, mode, uid, gid, links };
}

function kindOf(entry: Dirent | Stats): FileKind {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'folder';
  return entry.isSymbolicLink() ? 'link' : 'other';
}

function ifMissing(error: unknown): undefined {
  if (!['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) throw error;
}

/** Whether an open folder can be used as the start of a path, as on Linux with `/proc`. */
function canOpenThroughFd(folder: string): boolean {
  const fd = openSync(folder, O_RDONLY);
  try {
    return readlinkSync(`/proc/self/fd/${fd}`) === folder;
  } catch {
    return false;
  } finally {
    closeSync(fd);
  }
}
