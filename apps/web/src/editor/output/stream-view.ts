/**
 * Terminal text on the page. Lines are drawn in chunks and only chunks that changed are drawn again, so that
 * a long output costs what is new of it; chunks out of sight cost no layout (`content-visibility`).
 */
import type { TextStyle } from '@markco/protocol/output/sgr';
import type { Line, Terminal } from '@markco/protocol/output/terminal';
import type { Translate } from '../parts.ts';

const CHUNK_LINES = 100;
/** Longer output gets a scroller. */
const SCROLL_LINES = 24;

export type StreamView = {
  readonly element: HTMLElement;
  /** Draws what changed. */
  refresh(): void;
};

/** @param onWhole shows all there was, where more was printed than is kept here */
export function createStreamView(
  document: Document,
  terminal: Terminal,
  t: Translate,
  locale: string,
  onWhole?: () => void,
): StreamView {
  const element = document.createElement('div');
  element.className = 'mc-stream';
  const earlier = document.createElement('div');
  earlier.className = 'mc-stream-earlier';
  earlier.hidden = true;
  const earlierText = document.createElement('span');
  earlier.append(earlierText);
  if (onWhole !== undefined) {
    const whole = document.createElement('button');
    whole.type = 'button';
    whole.className = 'mc-stream-whole';
    whole.textContent = t('editor.output.whole');
    whole.addEventListener('click', onWhole);
    earlier.append(' ', whole);
  }
  const scroller = document.createElement('div');
  scroller.className = 'mc-stream-scroller';
  scroller.tabIndex = -1;
  const more = document.createElement('button');
  more.type = 'button';
  more.className = 'mc-stream-more';
  more.hidden = true;
  element.append(earlier, scroller, more);

  const chunks = new Map<number, HTMLElement>();
  let isNew = true;
  let showsAll = false;
  let lineCount = 0;

  // What scrolls, down or sideways, is reached with the keyboard.
  let isLong = false;
  const setFocusable = (): void => {
    scroller.tabIndex = isLong || scroller.scrollWidth > scroller.clientWidth ? 0 : -1;
  };
  const sized = new ResizeObserver(setFocusable);
  sized.observe(scroller);

  const label = (): void => {
    more.textContent = showsAll
      ? t('editor.output.less')
      : t('editor.output.all', { count: lineCount.toLocaleString(locale) });
    more.setAttribute('aria-expanded', String(showsAll));
  };
  more.addEventListener('click', () => {
    showsAll = !showsAll;
    element.classList.toggle('mc-stream-all', showsAll);
    label();
  });

  return {
    element,
    refresh() {
      const lines = terminal.lines();
      const dropped = terminal.droppedLines();
      const dirty = isNew ? 0 : terminal.takeDirty();
      if (isNew) terminal.takeDirty();
      isNew = false;
      const atEnd = scroller.scrollTop + scroller.clientHeight >= scroller.scrollHeight - 4;
      const total = dropped + lines.length;
      const firstChunk = Math.floor(dropped / CHUNK_LINES);
      const lastChunk = Math.floor(Math.max(0, total - 1) / CHUNK_LINES);
      for (const [index, chunk] of chunks) {
        if (index >= firstChunk && index <= lastChunk) continue;
        chunk.remove();
        sized.unobserve(chunk);
        chunks.delete(index);
      }
      const from = Math.max(firstChunk, Number.isFinite(dirty) ? Math.floor(dirty / CHUNK_LINES) : lastChunk + 1);
      for (let index = from; index <= lastChunk && lines.length > 0; index++) {
        const start = Math.max(0, index * CHUNK_LINES - dropped);
        drawChunk(document, chunkAt(index), lines.slice(start, (index + 1) * CHUNK_LINES - dropped));
      }
      if (lineCount !== total || dirty !== Number.POSITIVE_INFINITY) {
        lineCount = total;
        isLong = lines.length > SCROLL_LINES;
        element.classList.toggle('mc-stream-long', isLong);
        if (isLong) scroller.tabIndex = 0;
        more.hidden = !isLong;
        earlier.hidden = dropped === 0;
        if (dropped > 0)
          earlierText.textContent = `… ${t(dropped === 1 ? 'editor.output.earlier.one' : 'editor.output.earlier.other', { count: dropped.toLocaleString(locale) })}`;
        label();
        if (isLong && atEnd && !showsAll) scroller.scrollTop = scroller.scrollHeight;
      }
    },
  };

  function chunkAt(index: number): HTMLElement {
    const known = chunks.get(index);
    if (known !== undefined) return known;
    const chunk = document.createElement('div');
    chunk.className = 'mc-stream-chunk';
    chunks.set(index, chunk);
    scroller.append(chunk);
    sized.observe(chunk);
    return chunk;
  }
}

function drawChunk(document: Document, chunk: HTMLElement, lines: readonly Line[]): void {
  chunk.style.containIntrinsicHeight = `auto ${lines.length * 1.5}em`;
  chunk.replaceChildren(...nodesOf(document, lines));
}

/** Lines with their colors, each with its end. */
export function nodesOf(document: Document, lines: readonly Line[]): readonly Node[] {
  const nodes: Node[] = [];
  let plain = '';
  const flush = (): void => {
    if (plain !== '') nodes.push(document.createTextNode(plain));
    plain = '';
  };
  for (const line of lines) {
    for (const { text, style } of line) {
      if (isPlain(style)) plain += text;
      else {
        flush();
        const span = document.createElement('span');
        span.textContent = text;
        dress(span, style);
        nodes.push(span);
      }
    }
    plain += '\n';
  }
  flush();
  return nodes;
}

const isPlain = (style: TextStyle): boolean => style.key === '||,,,,,,';

function dress(span: HTMLElement, style: TextStyle): void {
  const [fg, bg] = style.inverse
    ? [style.bg === '' ? 'bg' : style.bg, style.fg === '' ? 'fg' : style.fg]
    : [style.fg, style.bg];
  if (fg !== '') span.style.color = cssColor(fg);
  if (bg !== '') span.style.backgroundColor = cssColor(bg);
  if (style.bold) span.style.fontWeight = '600';
  if (style.dim) span.style.opacity = '0.7';
  if (style.italic) span.style.fontStyle = 'italic';
  const lines = [style.underline ? 'underline' : '', style.strike ? 'line-through' : ''].filter((name) => name !== '');
  if (lines.length > 0) span.style.textDecoration = lines.join(' ');
  if (style.stderr) span.className = 'mc-stderr';
}

function cssColor(color: string): string {
  if (color === 'fg' || color === 'bg') return `var(--${color})`;
  return color.startsWith('#') ? color : `var(--mc-ansi-${color})`;
}
