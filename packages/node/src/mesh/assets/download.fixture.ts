/** For tests: a place to download to, and other devices that serve, lack, stop or lie. */
import { newId, type DeviceId, type ProjectId } from '@markco/protocol';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as base } from 'vitest';
import { createDiskFiles } from '../../files/files-disk.ts';
import { openLevelStore } from '@markco/replica/store/level';
import type { MessageStream } from '@markco/replica/replicate/message-stream';
import { createDownloads, type Source } from './download.ts';
import { openAssetList, type AssetList } from './list.ts';
import { isPartOf } from './part.ts';
import type { AssetRow } from './row.ts';

export const KB = 1024;
const ids = { now: () => Date.now(), randomBytes: (length: number) => new Uint8Array(randomBytes(length)) };
const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

type Place = { readonly root: string; readonly list: AssetList; parts(): Promise<readonly string[]> };

export const test = base.extend<{ place: (root?: string) => Promise<Place> }>({
  place: async ({}, use) => {
    const ends: (() => Promise<unknown>)[] = [];
    const projectId = newId<ProjectId>(ids);
    await use(async (given) => {
      const home = await realpath(await mkdtemp(join(tmpdir(), 'markco-fetch-')));
      const root = given ?? join(home, 'project');
      await mkdir(join(root, '_assets'), { recursive: true });
      const store = await openLevelStore(join(home, 'store'));
      const list = await openAssetList({
        ...{ projectId, root, files: createDiskFiles(root), store, device: newId<DeviceId>(ids), now: ids.now },
        onTrouble: () => undefined,
      });
      ends.push(async () => {
        await list.close();
        await store.close();
        await rm(home, { recursive: true, force: true });
      });
      const parts = async () => (await readdir(join(root, '_assets'))).filter(isPartOf);
      return { root, list, parts };
    });
    for (const end of ends) await end();
  },
});

export const rowOf = (bytes: Uint8Array, path = '_assets/film.bin'): AssetRow => ({
  ...{ path, hash: sha(bytes), size: bytes.length, replaced: [] },
  named: { at: 1, by: newId<DeviceId>(ids) },
});

type Holder = Source & { readonly asked: number[] };

/** Serves with the real other side from a list of its own, or answers as `answer` says. */
export function holder(serve: (stream: MessageStream, from: number) => void): Holder {
  const asked: number[] = [];
  return {
    asked,
    device: newId<DeviceId>(ids),
    async open() {
      const [mine, theirs] = pipe();
      let first = true;
      const spied: MessageStream = {
        ...theirs,
        onMessage(listener) {
          theirs.onMessage((message) => {
            if (first) asked.push((JSON.parse(String(message)) as { from: number }).from);
            first = false;
            listener(message);
          });
        },
      };
      spied.onMessage(() => serve(theirs, asked.at(-1) ?? 0));
      return mine;
    },
  };
}

/** Sends these bytes from where it is asked to, up to `until`, then ends. */
export const sends = (bytes: Uint8Array, until = bytes.length, size = bytes.length): Holder =>
  holder((stream, from) => {
    stream.sendText(JSON.stringify({ op: 'have', size }));
    for (let at = from; at < until; at += 16 * KB) stream.sendBytes(bytes.slice(at, Math.min(until, at + 16 * KB)));
    stream.close();
  });
export const lacks = (): Holder => holder((stream) => stream.sendText(JSON.stringify({ op: 'absent' })));

export const downloadsFrom = (sources: readonly Source[]) =>
  createDownloads({ sources: () => sources, onAsk: () => undefined, onTrouble: () => undefined });

/** Two ends of a stream in memory; messages arrive in later turns, and what was sent before an end still arrives. */
export function pipe(): readonly [MessageStream, MessageStream] {
  const make = () => {
    const early: (Uint8Array | string)[] = [];
    const closers: ((why: null) => void)[] = [];
    return {
      ...{ early, closers, isClosed: false },
      listener: (message: Uint8Array | string): void => void early.push(message),
    };
  };
  const ends = [make(), make()] as const;
  const close = (): void => {
    setImmediate(() => {
      for (const end of ends) {
        if (end.isClosed) continue;
        end.isClosed = true;
        for (const closer of end.closers) closer(null);
      }
    });
  };
  const stream = (mine: (typeof ends)[0], other: (typeof ends)[0]): MessageStream => {
    const send = (message: Uint8Array | string): void =>
      void setImmediate(() => {
        if (!other.isClosed) other.listener(message);
      });
    return {
      ...{ sendBytes: (message: Uint8Array) => send(message.slice()), sendText: send },
      ...{ waiting: () => 0, onDrain: () => undefined, close, abort: close },
      onMessage(listener) {
        mine.listener = listener;
        for (const message of mine.early.splice(0)) listener(message);
      },
      onClose: (listener) => void mine.closers.push(listener),
    };
  };
  return [stream(ends[0], ends[1]), stream(ends[1], ends[0])];
}
