/**
 * What a terminal would show, line by line, of a stream of any length, in bounded memory.
 *
 * Text without control characters is the common case and passes by the terminal: parsing 50 MB of
 * it cell by cell would take half a minute. Its newest lines are kept back, because a later
 * "cursor up" may still change them. Only when a control character comes is there a terminal
 * (`@xterm/headless`), which is given those lines first, and which is left again once plain text
 * has filled it. Colors are dropped.
 *
 * 1. A line is given out when nothing can change it any more: it is more than ROWS lines above the cursor.
 */
import type { Terminal } from '@xterm/headless';

/** How far up a program can go back. */
const ROWS = 64;
/** Wide, so that a bar never wraps; a longer line wraps and is put together again. */
const COLUMNS = 2_000;
/** Rows that may leave the screen in one step of the terminal before they are collected. */
const SLICE_LINES = 200;
const SLICE_CHARS = 64 * 1024;
const SCROLLBACK = 2_000;
/** A line that never ends is given out in pieces of this size. */
const LINE_CHARS_MAX = 1024 * 1024;

const ERASE_SAVED = '\x1b[3J';
const COLOR = /\x1b\[[0-9;:]*m/g;
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]/;
const UNFINISHED = /(?:\x1b(?:\[[?0-9;:]{0,64})?|\r+)$/;

export type Screen = ReturnType<typeof createScreen>;

/** Lines go to `give` in order, without their newline. */
export function createScreen(give: (line: string) => void) {
  /** Whole lines kept back, at most ROWS, and the line that is still being written. */
  let lines: string[] = [];
  let open = '';
  let terminal: Terminal | null = null;
  /** Plain lines that came since the last control character. */
  let plainLines = 0;
  let unfinished = '';
  /** Not looked at yet: the terminal takes a millisecond a call, however little it is given. */
  let unread: string[] = [];
  let unreadChars = 0;

  function plain(text: string): void {
    const parts = text.split('\n');
    parts[0] = open + (parts[0] ?? '');
    open = parts.pop() ?? '';
    for (const line of parts) lines.push(line);
    if (lines.length > ROWS) for (const line of lines.splice(0, lines.length - ROWS)) give(line);
    if (open.length > LINE_CHARS_MAX) {
      for (const line of lines.splice(0)) give(line);
      give(open);
      open = '';
    }
  }

  async function throughTerminal(text: string): Promise<void> {
    terminal ??= await openTerminal();
    let rest = text;
    while (rest !== '') {
      const length = sliceLength(rest);
      await write(terminal, rest.slice(0, length));
      rest = rest.slice(length);
      await collect(terminal);
    }
  }

  async function openTerminal(): Promise<Terminal> {
    // Loaded now: most devices start without ever needing it.
    const { default: headless } = await import('@xterm/headless');
    const made = new headless.Terminal({
      cols: COLUMNS,
      rows: ROWS,
      scrollback: SCROLLBACK,
      convertEol: true,
      allowProposedApi: true,
    });
    const kept = `${lines.map((line) => `${line}\n`).join('')}${open}`;
    lines = [];
    open = '';
    for (let at = 0; at < kept.length; at += SLICE_CHARS) {
      await write(made, kept.slice(at, at + SLICE_CHARS));
      await collect(made);
    }
    plainLines = 0;
    return made;
  }

  /** Gives out the rows that have left the screen. */
  async function collect(from: Terminal): Promise<void> {
    if (from.buffer.normal.baseY === 0) return;
    for (const line of read(from, 'saved').saved) give(line);
    await write(from, ERASE_SAVED);
  }

  /** Takes what the terminal shows back as plain lines. */
  function leaveTerminal(): void {
    if (terminal === null) return;
    const shown = read(terminal, 'shown');
    terminal.dispose();
    terminal = null;
    lines.push(...shown.lines);
    open = shown.open;
    plain('');
  }

  async function take(): Promise<void> {
    let text = unfinished + unread.join('');
    unread = [];
    unreadChars = 0;
    unfinished = UNFINISHED.exec(text)?.[0] ?? '';
    text = text.slice(0, text.length - unfinished.length);
    if (text.includes('\x1b')) text = text.replace(COLOR, '');
    if (text.includes('\r')) text = text.replace(/\r+\n/g, '\n');
    if (CONTROL.test(text)) {
      plainLines = 0;
      await throughTerminal(text);
    } else if (terminal === null) {
      plain(text);
    } else {
      await throughTerminal(text);
      plainLines += text.split('\n').length - 1;
      if (plainLines > ROWS) leaveTerminal();
    }
  }

  return {
    async write(text: string): Promise<void> {
      unread.push(text);
      unreadChars += text.length;
      if (unreadChars >= SLICE_CHARS) await take();
    },

    /** Gives out everything and starts on an empty screen, at the start of a line. */
    async flush(): Promise<void> {
      await take();
      const late = unfinished;
      unfinished = '';
      if (late.startsWith('\r')) await throughTerminal(late);
      leaveTerminal();
      for (const line of lines.splice(0)) give(line);
      if (open !== '') give(open);
      open = '';
    },
  };
}

function write(terminal: Terminal, text: string): Promise<void> {
  return new Promise((resolve) => terminal.write(text, resolve));
}

/** As much as cannot push more rows out of the screen than are saved. Never between two halves of a character. */
function sliceLength(text: string): number {
  let at = -1;
  for (let count = 0; count < SLICE_LINES; count++) {
    const next = text.indexOf('\n', at + 1);
    if (next < 0 || next > SLICE_CHARS) return Math.min(text.length, wholeCharacters(text, SLICE_CHARS));
    at = next;
  }
  return at + 1;
}

function wholeCharacters(text: string, length: number): number {
  const last = text.charCodeAt(length - 1);
  return last >= 0xd800 && last <= 0xdbff ? length - 1 : length;
}

/** `saved`: the lines above the screen. `shown`: those on it, up to the cursor or the last that holds something. */
function read(terminal: Terminal, part: 'saved' | 'shown'): { saved: string[]; lines: string[]; open: string } {
  const buffer = terminal.buffer.normal;
  const [from, to] = part === 'saved' ? [0, buffer.baseY] : [buffer.baseY, buffer.baseY + ROWS];
  const all: string[] = [];
  let cursor = 0;
  for (let row = from; row < to; row++) {
    const line = buffer.getLine(row);
    const wraps = buffer.getLine(row + 1)?.isWrapped === true;
    const text = line?.translateToString(!wraps) ?? '';
    if (line?.isWrapped === true && all.length > 0) all[all.length - 1] += text;
    else all.push(text);
    if (row === buffer.baseY + buffer.cursorY) cursor = all.length - 1;
  }
  if (part === 'saved') return { saved: all, lines: [], open: '' };
  let last = all.length - 1;
  while (last > 0 && all[last] === '' && last > cursor) last--;
  return { saved: [], lines: all.slice(0, last), open: all[last] ?? '' };
}
