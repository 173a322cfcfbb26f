/** The text of an `output` fence, as the list of things a cell draws: text, pictures, and a link to the whole output. */
import type { OutputItem } from './run-output.ts';
import { createTerminal } from './terminal.ts';

const PICTURE = /^!\[([^\]]*)\]\((_assets\/[^()\s]+\.(?:png|jpe?g|gif|webp|svg))\)$/i;
const LINK = /^(.*)\[([^\]]+)\]\((_assets\/[^()\s]+)\)$/;

export function itemsOfFence(text: string): OutputItem[] {
  const items: OutputItem[] = [];
  for (const line of text.split('\n')) {
    const picture = PICTURE.exec(line);
    const link = picture === null ? LINK.exec(line) : null;
    if (picture !== null) items.push({ kind: 'picture', alt: picture[1] ?? '', path: picture[2] ?? '' });
    else if (link !== null)
      items.push({ kind: 'link', before: link[1] ?? '', label: link[2] ?? '', path: link[3] ?? '' });
    else {
      const last = items[items.length - 1];
      const stream = last?.kind === 'stream' ? last : { kind: 'stream' as const, terminal: createTerminal() };
      if (stream !== last) items.push(stream);
      stream.terminal.write(`${line}\n`, 'stdout');
    }
  }
  return items.filter((item) => item.kind !== 'stream' || item.terminal.text().trim() !== '');
}

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
