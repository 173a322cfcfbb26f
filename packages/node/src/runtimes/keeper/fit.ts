/** Cuts what an event holds to what an event may hold: 1 MB, and well-formed text. Pure. */
import type { LastWord, Sink } from './interpreter.ts';

/** Below `LIMITS.eventBytesMax`, with room for the envelope. */
export const BUNDLE_BYTES = 900 * 1024;
const MESSAGE_CHARS = 10_000;
const TRACEBACK_LINES = 4_000;
const TRACEBACK_CHARS = 200_000;

type Bundle = Record<string, unknown>;
type DisplayPayload = Parameters<Sink['display']>[0];
type ErrorPayload = Extract<LastWord, { type: 'error' }>['payload'];

/** What does not fit is left out, and the bundle's text says so. */
export function fitBundle(data: Bundle): Bundle {
  const fitting: Bundle = {};
  const dropped: string[] = [];
  let left = BUNDLE_BYTES;
  const textFirst = Object.entries(data).toSorted(
    ([a], [b]) => Number(b === 'text/plain') - Number(a === 'text/plain'),
  );
  for (const [mime, value] of textFirst) {
    const cut =
      mime === 'text/plain' && typeof value === 'string' ? clip(value.toWellFormed(), BUNDLE_BYTES / 8) : value;
    const size = Buffer.byteLength(JSON.stringify(cut) ?? '');
    if (size === 0) continue; // Nothing that JSON knows.
    if (size > left) {
      dropped.push(`${mime} of ${Math.ceil(size / 1024)} KB`);
      continue;
    }
    left -= size;
    fitting[mime] = cut;
  }
  if (dropped.length > 0) {
    const text = fitting['text/plain'] as string | undefined;
    const note = `[left out, too large to show: ${dropped.join(', ')}]`;
    fitting['text/plain'] = text === undefined ? note : `${text}\n${note}`;
  }
  return fitting;
}

export function fitDisplay({ data, metadata }: DisplayPayload): DisplayPayload {
  const size = Buffer.byteLength(JSON.stringify(metadata));
  return { data: fitBundle(data), metadata: size > BUNDLE_BYTES / 10 ? {} : metadata };
}

export function fitError({ type, message, traceback }: ErrorPayload): ErrorPayload {
  const text = clipMiddle(traceback.join('\n').toWellFormed(), TRACEBACK_CHARS);
  const lines = text === '' ? [] : text.split('\n');
  const half = TRACEBACK_LINES / 2;
  const fewer =
    lines.length <= TRACEBACK_LINES
      ? lines
      : [...lines.slice(0, half), `[… ${lines.length - TRACEBACK_LINES} lines …]`, ...lines.slice(-half)];
  return { type: type.slice(0, 200), message: clip(message.toWellFormed(), MESSAGE_CHARS), traceback: fewer };
}

function clip(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most).toWellFormed()}… [${text.length - most} more characters]`;
}

function clipMiddle(text: string, most: number): string {
  if (text.length <= most) return text;
  const half = most / 2;
  return `${text.slice(0, half)}\n[… ${text.length - most} characters …]\n${text.slice(-half)}`;
}
