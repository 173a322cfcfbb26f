/**
 * The files of this user's projects between devices: lists kept equal, bytes fetched by their hash.
 *
 * What is small comes by itself, so that a project is complete where there is no network; what is large comes when
 * somebody looks at it.
 */
import { Failure, type DeviceId, type Project, type ProjectId } from '@markco/protocol';
import { realpath, type FileHandle } from 'node:fs/promises';
import { createDiskFiles } from '../../files/files-disk.ts';
import { fileHeaders } from '@markco/replica/projects/file-headers';
import { readProjectFile } from '../../projects/assets.ts';
import type { LocalStore } from '@markco/replica/store/store';
import type { MessageStream } from '@markco/replica/replicate/message-stream';
import { exchangeLists, type Exchange } from './exchange.ts';
import { createDownloads, type Download } from './download.ts';
import { openToRead } from './inside.ts';
import { openAssetList, type AssetList } from './list.ts';
import { partPath } from './part.ts';
import { isAssetPath, type AssetRow } from './row.ts';
import { serveAsset } from './transfer.ts';

/** What comes without being asked for. */
const SMALL_BYTES_MAX = 4 * 1024 * 1024;
/** The last bytes of a file are not shown before all of it is known to be right. */
const HELD_BACK_BYTES = 64 * 1024;
const READ_BYTES = 256 * 1024;
/** What could not be fetched is tried again so often, and whenever a device comes. */
const AGAIN_MS = 60_000;
/** How long who looks at a picture waits for another device to say that it has it. */
const WISH_MS = 3_000;

export type AssetsParts = {
  readonly store: LocalStore;
  readonly device: DeviceId;
  readonly now: () => number;
  readonly projects: { shared(): readonly Project[]; root(id: string): string };
  /** Opens a stream for bytes to another device. */
  readonly open: (device: DeviceId, signal: AbortSignal) => Promise<MessageStream>;
  readonly info: (event: string, fields: Readonly<Record<string, unknown>>) => void;
  readonly onTrouble: (doing: string, cause: unknown) => void;
};

export type Assets = ReturnType<typeof createAssets>;

export function createAssets(parts: AssetsParts) {
  const { onTrouble } = parts;
  const lists = new Map<ProjectId, AssetList>();
  const exchanges = new Set<Exchange>();
  let opening: Promise<void> = Promise.resolve();
  let isClosed = false;

  const downloads = createDownloads({
    sources: (list) =>
      [...new Set([...exchanges].filter((each) => each.has(list.projectId)).map(({ peer }) => peer))].map((device) => ({
        device,
        open: (signal) => parts.open(device, signal),
      })),
    onAsk: (fields) => parts.info('asset.asked', fields),
    onTrouble,
  });

  /** What is small and not here yet, of one list. */
  function fill(list: AssetList): void {
    if (isClosed || ![...exchanges].some((each) => each.has(list.projectId))) return;
    for (const row of list.missing()) {
      if (row.size > SMALL_BYTES_MAX) continue;
      try {
        downloads.begin(list, row, false).done.catch((cause: unknown) => {
          if (!(cause instanceof Failure) || cause.code !== 'not_found') onTrouble('download a file', cause);
        });
      } catch {
        return;
      }
    }
  }
  const fillAll = (): void => {
    for (const list of lists.values()) fill(list);
  };
  const again = setInterval(fillAll, AGAIN_MS).unref();

  async function openLists(): Promise<void> {
    const shared = new Set(parts.projects.shared().map(({ id }) => id));
    for (const [id, list] of lists)
      if (!shared.has(id)) {
        lists.delete(id);
        await list.close();
      }
    for (const id of shared) {
      if (isClosed || lists.has(id)) continue;
      const root = await realpath(parts.projects.root(id));
      const list = await openAssetList({
        ...{ projectId: id, root, files: createDiskFiles(root), onTrouble },
        ...{ store: parts.store, device: parts.device, now: parts.now },
      });
      lists.set(id, list);
      list.onChange((rows, from) => {
        for (const exchange of exchanges) if (exchange.peer !== from) exchange.send(id, rows);
        if (from !== null) fill(list);
      });
      list.scan().then(
        () => fill(list),
        (cause: unknown) => onTrouble('looking at files', cause),
      );
    }
  }

  function open(): Promise<void> {
    opening = opening.then(openLists).catch((cause: unknown) => onTrouble('listing files', cause));
    return opening;
  }

  /** A file that is wanted now and is not here; null when nothing is known of it or nothing better can be had. */
  async function wanted(list: AssetList, path: string): Promise<AssetRow | null> {
    const missing = (): AssetRow | null => (list.isMissing(path) ? (list.row(path) ?? null) : null);
    if (list.row(path) !== undefined || !isAssetPath(path)) return missing();
    if ((await list.files.stat(path)) !== undefined) return null;
    const peers = [...exchanges].filter((each) => each.has(list.projectId));
    if (peers.length === 0) return null;
    const told = new Promise<void>((resolve) => {
      const stop = list.onChange((rows) => {
        if (rows.some((row) => row.path === path)) done();
      });
      const timer = setTimeout(() => done(), WISH_MS);
      const done = (): void => {
        stop();
        clearTimeout(timer);
        resolve();
      };
    });
    for (const peer of peers) peer.wish(list.projectId, path);
    await told;
    return missing();
  }

  return {
    /** The projects that are open here have changed. */
    tellProjects(): void {
      void open().then(() => {
        for (const exchange of exchanges) exchange.tell();
      });
    },

    /** The two devices keep their lists equal on this stream. */
    onLists(stream: MessageStream, peer: DeviceId, leads: boolean): void {
      // What the other says waits in the stream until this device can answer.
      void open().then(() => {
        const exchange = exchangeLists(stream, leads, {
          ...{ peer, onTrouble },
          lists: () => [...lists.values()],
          onOpen: fillAll,
        });
        exchanges.add(exchange);
        stream.onClose(() => exchanges.delete(exchange));
      });
    },

    /** Another device asks for bytes. */
    onAsk: (stream: MessageStream): void => serveAsset(stream, (id) => lists.get(id), onTrouble),

    /** Files of a folder may have changed. */
    changed(id: ProjectId, paths: readonly string[]): void {
      lists
        .get(id)
        ?.look(paths)
        .catch((cause: unknown) => onTrouble('looking at files', cause));
    },

    /** As `readProjectFile`, from another device where that has it: what comes is passed on while it comes. */
    async read(id: ProjectId, path: string, request: Request): Promise<Response> {
      const list = lists.get(id);
      const row = list === undefined ? null : await wanted(list, path);
      if (list === undefined || row === null) return readProjectFile(parts.projects.root(id), path, request);
      const download = downloads.begin(list, row, true);
      try {
        if (row.size > SMALL_BYTES_MAX) {
          await download.change();
          const handle = await openToRead(list.root, partPath(row)).catch(() => null);
          if (handle !== null)
            return new Response(streamOf(download, handle), { headers: fileHeaders(path, row.size) });
        }
        await download.done;
      } catch (cause) {
        // What was there before is better than nothing.
        if ((await list.files.stat(path)) === undefined) throw cause;
      }
      return readProjectFile(parts.projects.root(id), path, request);
    },

    async close(): Promise<void> {
      isClosed = true;
      clearInterval(again);
      await opening;
      await downloads.close();
      await Promise.all([...lists.values()].map((list) => list.close()));
    },
  };
}

/** What has come, as it comes; it breaks off, short of its end, when the bytes turn out to be wrong. */
function streamOf(download: Download, handle: FileHandle): ReadableStream<Uint8Array> {
  const { size } = download.row;
  let at = 0;
  let isRight = false;
  let { beginnings } = download.state();
  download.done.then(
    () => (isRight = true),
    () => undefined,
  );
  async function next(): Promise<Uint8Array> {
    for (;;) {
      const now = download.state();
      if (now.beginnings !== beginnings && at > 0) throw new Failure('conflict', 'What came was wrong. Load it again.');
      beginnings = now.beginnings;
      const until = isRight ? size : now.length - HELD_BACK_BYTES;
      if (at < until) {
        const buffer = new Uint8Array(Math.min(READ_BYTES, until - at));
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
        // It may have begun again meanwhile.
        if (download.state().beginnings !== beginnings) continue;
        at += bytesRead;
        return buffer.subarray(0, bytesRead);
      }
      await download.change();
    }
  }
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          controller.enqueue(await next());
        } catch (cause) {
          controller.error(cause);
          return handle.close();
        }
        if (at < size) return;
        controller.close();
        await handle.close();
      },
      cancel: () => handle.close(),
    },
    { highWaterMark: 1 },
  );
}
