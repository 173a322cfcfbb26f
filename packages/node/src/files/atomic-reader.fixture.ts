/** For tests, a thread of its own: reads one file again and again and counts how often it was not whole. */
import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

/** As fast as a build that watches, without taking the writer's processor away. */
const READS = 30;
const PAUSE_MS = 2;

const path = String(workerData);
let readsMin = Number.POSITIVE_INFINITY;
let reads = 0;
let torn = 0;
parentPort?.on('message', (enough: unknown) => {
  readsMin = Number(enough);
});

/** `N:......` and then the last digit of N, as often as N says, and the end of the line. */
function isWhole(text: string): boolean {
  const n = Number.parseInt(text, 10);
  const length = 8 + 3_000 + (n % 7) * 1_000 + 1;
  return text.length === length && text.endsWith('\n') && text.slice(8, -1) === String(n % 10).repeat(length - 9);
}

function readSome(): void {
  for (let i = 0; i < READS; i++) {
    reads++;
    if (!isWhole(readFileSync(path, 'utf8'))) torn++;
  }
  if (reads >= readsMin) parentPort?.postMessage({ reads, torn });
  else setTimeout(readSome, PAUSE_MS);
}
readSome();
