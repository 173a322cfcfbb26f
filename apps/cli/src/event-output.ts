/**
 * How the events of a run look on a terminal: what the program wrote, as it wrote it, on the stream it wrote it to;
 * what it shows as text; errors as the language prints them. Pictures and tables are named, not drawn.
 */
import type { RunEvent } from '@markco/protocol';
import type { Output } from './cli.ts';

export type Streams = { readonly out: Output; readonly err: Output };

export function writeEvent({ out, err }: Streams, event: RunEvent): void {
  switch (event.type) {
    case 'stdout':
      out.write(event.payload.text);
      break;
    case 'stderr':
      err.write(event.payload.text);
      break;
    case 'display':
      out.write(bundleText(event.payload.data));
      break;
    case 'result':
      if (event.payload.data !== null) out.write(bundleText(event.payload.data));
      break;
    case 'error': {
      const { type, message, traceback } = event.payload;
      err.write(traceback.length > 0 ? `${traceback.join('\n').trimEnd()}\n` : `${type}: ${message}\n`);
      break;
    }
    case 'progress':
      if (event.payload.message !== undefined) err.write(`${event.payload.message}\n`);
      break;
    case 'stdin-request':
    case 'stdin-response':
      break;
  }
}

/** A picture by its kind: its text is only the name of an object. Else the plain text, else what kinds of thing it is. */
function bundleText(data: Readonly<Record<string, unknown>>): string {
  const picture = Object.keys(data).find((kind) => kind.startsWith('image/'));
  if (picture !== undefined) return `[${picture}]\n`;
  const plain = data['text/plain'] ?? data['text/markdown'];
  if (typeof plain === 'string') return plain.endsWith('\n') ? plain : `${plain}\n`;
  const kinds = Object.keys(data).filter((kind) => kind.length < 200);
  return kinds.length === 0 ? '' : `[${kinds.join(', ')}]\n`;
}
