/** For tests, a process of its own: reads one file again and again and counts how often it was not whole. */
import { readFileSync } from 'node:fs';

/** As fast as a build that watches, without taking the writer's processor away. */
const READS = 30;
const PAUSE_MS = 2;

const path = process.argv[2] ?? '';
let readsMin = Number.POSITIVE_INFINITY;
let reads = 0;
let torn = 0;
process.on('message', (message) => {
  if (typeof message === 'object' && message !== null && 'readsMin' in message) readsMin = Number(message.readsMin);
});

/** `N:......` and then the last digit of N, as often as N says, and the end of the line. */
function isWhole(text: string): boolean {
  const n = Number.parseInt(text, 10);
  return text.length === 8 + 3_000 + (n % 7) * 1_000 + 1 && text.endsWith('\n') && text.slice(8, -1) === String(n % 10).repeat(text.length - 9);
}

function readSome(): void {
  for (let i = 0; i < READS; i++) {
    reads++;
    if (!isWhole(readFileSync(path, 'utf8'))) torn++;
  }
  if (reads >= readsMin) process.send?.({ reads, torn }, () => process.exit(0));
  else setTimeout(readSome, PAUSE_MS);
}
readSome();
