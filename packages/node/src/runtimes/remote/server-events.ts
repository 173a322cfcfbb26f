/**
 * Server-sent events out of bytes that come in any pieces (https://html.spec.whatwg.org/multipage/server-sent-events.html).
 *
 * 1. One event is bounded: a longer one is an error, since what comes after it could not be trusted.
 */
import { StringDecoder } from 'node:string_decoder';

export type ServerEvent = { readonly event: string; readonly data: string };

const EVENT_CHARS_MAX = 32 * 1024 * 1024;

export async function* readServerEvents(bytes: AsyncIterable<Buffer>): AsyncGenerator<ServerEvent> {
  const decoder = new StringDecoder('utf8');
  /** Of the line that is not over yet: its pieces, so that a long one is not copied with every piece. */
  let pieces: string[] = [];
  let chars = 0;
  let event = '';
  let data: string[] = [];
  let endedWithReturn = false;

  for await (const chunk of bytes) {
    let text = decoder.write(chunk);
    // A line may end in CR, LF or both, and the two may come apart.
    if (endedWithReturn && text.startsWith('\n')) text = text.slice(1);
    if (text === '') continue;
    endedWithReturn = text.endsWith('\r');
    const lines = text.split(/\r\n|\r|\n/);
    const open = lines.pop() ?? '';
    for (const rest of lines) {
      const line = pieces.length === 0 ? rest : pieces.join('') + rest;
      pieces = [];
      if (line === '') {
        if (data.length > 0) yield { event: event === '' ? 'message' : event, data: data.join('\n') };
        event = '';
        data = [];
        chars = 0;
      } else if (line.startsWith('event:')) event = valueOf(line, 6);
      else if (line.startsWith('data:')) data.push(valueOf(line, 5));
    }
    if (open !== '') pieces.push(open);
    chars += text.length;
    if (chars > EVENT_CHARS_MAX && (pieces.length > 0 || data.length > 0))
      throw new Error(`it sent an event of more than ${EVENT_CHARS_MAX / 1024 / 1024} MB`);
  }
}

function valueOf(line: string, from: number): string {
  return line.slice(line[from] === ' ' ? from + 1 : from);
}
