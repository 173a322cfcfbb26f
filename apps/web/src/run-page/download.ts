/** The output of a run as a file: what one reads, or what the program wrote with its escape codes. */
import type { Client } from '@markco/client';
import { Failure, type RunId } from '@markco/protocol';
import type { RunLog } from './run-log.ts';

const LINES_A_PART = 20_000;

export function saveFile(parts: readonly string[], name: string): void {
  const url = URL.createObjectURL(new Blob([...parts], { type: 'text/plain;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // A browser may take its time to begin.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

export function plainParts(log: RunLog): readonly string[] {
  const parts: string[] = [];
  for (let from = 0; from < log.length; from += LINES_A_PART) {
    const lines = Array.from({ length: Math.min(LINES_A_PART, log.length - from) }, (_, at) => log.plain(from + at));
    parts.push(`${lines.join('\n')}\n`);
  }
  return parts;
}

/** Read from the device once more: the page keeps only what is seen. Up to the event before `endSeq`. */
export function rawParts(client: Client, runId: RunId, endSeq: number): Promise<readonly string[]> {
  if (endSeq === 0) return Promise.resolve([]);
  const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
  const parts: string[] = [];
  const stop = client.followRun(runId, 0, {
    onEvent(event) {
      if (event.type === 'stdout' || event.type === 'stderr') parts.push(event.payload.text);
      if (event.type === 'error') parts.push(`${event.payload.traceback.join('\n').trimEnd()}\n`);
      if (event.seq + 1 >= endSeq) resolve(parts);
    },
    onEnd: () => resolve(parts),
    onError: ({ code, message }) => reject(new Failure(code, message)),
  });
  return promise.finally(() => stop());
}
