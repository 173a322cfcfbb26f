/**
 * A run's events as the text of its `output` fence: what a terminal would show, then what the cell
 * returned or how it failed. Images and a text that is too long become assets with a link.
 *
 * An update of a display is shown once, in its last state, at the end: the lines before it may
 * have left memory by then.
 */
import { LIMITS, type RunEvent } from '@markco/protocol';
import { createExcerpt, type SaveAsset } from './excerpt.ts';
import { createScreen } from './screen.ts';

type Bundle = Readonly<Record<string, unknown>>;

/** Displays whose updates are kept until the end; updates of further ones are left out. */
const UPDATED_DISPLAYS_MAX = 100;
const IMAGES: readonly (readonly [mime: string, encoding: 'base64' | 'utf8'])[] = [
  ['image/png', 'base64'],
  ['image/svg+xml', 'utf8'],
  ['image/jpeg', 'base64'],
  ['image/gif', 'base64'],
  ['image/webp', 'base64'],
];
const ESCAPES = /\x1b\[[0-9;:?]*[A-Za-z]/g;

/** Text of at most about LIMITS.outputFenceBytesMax, without a final newline; '' when there was no output. */
export async function foldEvents(
  events: AsyncIterable<RunEvent>,
  parts: { readonly save: SaveAsset; readonly scratchFolder: string },
): Promise<string> {
  await using excerpt = createExcerpt({ ...parts, limitBytes: LIMITS.outputFenceBytesMax });
  const screen = createScreen(excerpt.line);
  const updates = new Map<unknown, Bundle>();

  async function show(data: Bundle): Promise<void> {
    await screen.flush();
    for (const line of await linesOf(data, parts.save)) excerpt.line(line);
  }

  for await (const event of events) {
    switch (event.type) {
      case 'stdout':
      case 'stderr':
        await screen.write(event.payload.text);
        break;
      case 'stdin-request':
        await screen.write(event.payload.prompt);
        break;
      case 'stdin-response':
        await screen.write(`${event.payload.text ?? ''}\n`);
        break;
      case 'display': {
        const { displayId, update } = event.payload.metadata;
        if (update !== true) await show(event.payload.data);
        else if (updates.has(displayId) || updates.size < UPDATED_DISPLAYS_MAX)
          updates.set(displayId, event.payload.data);
        break;
      }
      case 'result':
        if (event.payload.data !== null) await show(event.payload.data);
        break;
      case 'error':
        await screen.flush();
        for (const line of errorLines(event.payload)) excerpt.line(line.replace(ESCAPES, ''));
        break;
      case 'progress':
        break;
    }
    await excerpt.drain();
  }
  for (const data of updates.values()) await show(data);
  await screen.flush();
  // Awaited here: leaving this scope takes the scratch file away.
  return await excerpt.finish();
}

async function linesOf(data: Bundle, save: SaveAsset): Promise<readonly string[]> {
  for (const [mime, encoding] of IMAGES) {
    const image = data[mime];
    if (typeof image === 'string') return [`![figure](${await save({ bytes: Buffer.from(image, encoding) }, mime)})`];
  }
  const text = data['text/plain'] ?? data['text/markdown'];
  return typeof text === 'string' ? text.replace(ESCAPES, '').split('\n') : [];
}

function errorLines(payload: {
  readonly type: string;
  readonly message: string;
  readonly traceback: readonly string[];
}): readonly string[] {
  return payload.traceback.length > 0
    ? payload.traceback.flatMap((line) => line.split('\n'))
    : [`${payload.type}: ${payload.message}`];
}
