/** Whether what a run printed is what its fence holds. */
import type { OutputItem } from './run-output.ts';

/**
 * Whether a fence holds what a run printed: its first line of text is found there. When not, somebody else has
 * written the fence since, and it is what counts.
 */
export function fenceMatches(fence: string, items: readonly OutputItem[]): boolean {
  for (const item of items) {
    if (item.kind !== 'stream') continue;
    const first =
      item.terminal
        .lines()[0]
        ?.map((span) => span.text)
        .join('')
        .trim() ?? '';
    if (item.terminal.droppedLines() === 0 && first !== '') return fence.includes(first.slice(0, 200));
  }
  return true;
}
