/**
 * The text of an `output` fence, as the list of things a cell draws: text, tracebacks, pictures, and a link to the
 * whole output.
 */
import { createTerminal, type Terminal } from './terminal.ts';

export type FenceItem =
  | { readonly kind: 'stream'; readonly terminal: Terminal }
  /** A file of the project. */
  | { readonly kind: 'picture'; readonly alt: string; readonly path: string }
  | { readonly kind: 'link'; readonly before: string; readonly label: string; readonly path: string }
  | { readonly kind: 'error'; readonly type: string; readonly message: string; readonly traceback: readonly string[] };

const PICTURE = /^!\[([^\]]*)\]\((_assets\/[^()\s]+\.(?:png|jpe?g|gif|webp|svg))\)$/i;
const LINK = /^(.*)\[([^\]]+)\]\((_assets\/[^()\s]+)\)$/;

/** As Python writes them. */
const TRACEBACK = 'Traceback (most recent call last):';
const ERROR = /^([\p{L}_][\p{L}\p{N}_.]*)(?:: (.*))?$/u;
const BETWEEN = /^(?:During handling of the above exception, another|The above exception was the direct cause)/;

export function itemsOfFence(text: string): FenceItem[] {
  const items: FenceItem[] = [];
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    const traceback = tracebackLines(lines, at);
    const picture = PICTURE.exec(line);
    const link = LINK.exec(line);
    if (traceback > 0) {
      items.push(errorOf(lines.slice(at, at + traceback)));
      at += traceback - 1;
    } else if (picture !== null) items.push({ kind: 'picture', alt: picture[1] ?? '', path: picture[2] ?? '' });
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

/** How many lines from `at` on are a traceback with the error it ends in, and those that it came from. */
function tracebackLines(lines: readonly string[], at: number): number {
  if (lines[at]?.trimEnd() !== TRACEBACK) return 0;
  let end = at + 1;
  while (/^\s/.test(lines[end] ?? '')) end++;
  if (end === at + 1 || !ERROR.test(lines[end] ?? '')) return 0;
  end++;
  const [before, between, after] = lines.slice(end, end + 3);
  const next = before === '' && after === '' && BETWEEN.test(between ?? '') ? tracebackLines(lines, end + 3) : 0;
  return next === 0 ? end - at : end + 3 + next - at;
}

function errorOf(traceback: readonly string[]): FenceItem {
  const [, type = '', message = ''] = ERROR.exec(traceback.at(-1) ?? '') ?? [];
  return { kind: 'error', type, message, traceback };
}
