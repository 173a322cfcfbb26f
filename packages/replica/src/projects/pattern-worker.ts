/** The thread of `pattern.ts`: one text in, its matches out. */
import { parentPort, workerData } from 'node:worker_threads';
import { matchesOf } from './matches.ts';
import type { PatternRequest } from './pattern.ts';

const { source, flags } = workerData as { source: string; flags: string };
const pattern = new RegExp(source, flags);

parentPort?.on('message', ({ text, max }: PatternRequest) => parentPort?.postMessage(matchesOf(pattern, text, max)));
