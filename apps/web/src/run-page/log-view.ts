/**
 * Some lines of a log on the screen: those in view and a few around them, however long the log is. All lines are
 * equally high, so that the place of each is known without drawing it; a log higher than a browser can scroll is
 * scrolled by proportion.
 */
import { nodesOf } from '../editor/output/stream-view.ts';
import { createTerminal } from '@markco/protocol/output/terminal';
import type { RunLog } from './run-log.ts';

export type LogView = {
  readonly element: HTMLElement;
  /** Draws what is in view; goes on at the end when a person went there. */
  refresh(): void;
  /** A line counted in the whole comes to the top, or to the middle. */
  show(line: number, where: 'top' | 'middle'): void;
  toEnd(): void;
  /** The first line in view, counted in the whole. */
  top(): number;
  readonly isAtEnd: boolean;
  /** Marks a text wherever it is in view, and one line of those as the current. */
  mark(needle: string, line: number | undefined): void;
};

export const LINE_PX = 20;
/** Browsers stop somewhere above this. */
const HEIGHT_MAX_PX = 8_000_000;
const AROUND = 8;
/** What is drawn of one line; the download has all of it. */
const DRAWN_CHARS_MAX = 4_000;

export type LogViewParts = {
  readonly document: Document;
  readonly log: RunLog;
  readonly label: string;
  /** The place changed, by a person or by new lines. */
  readonly onPlace: () => void;
};

export function createLogView({ document, log, label, onPlace }: LogViewParts): LogView {
  const element = document.createElement('div');
  element.className = 'log';
  element.tabIndex = 0;
  element.setAttribute('role', 'region');
  element.setAttribute('aria-label', label);
  const whole = document.createElement('div');
  whole.className = 'log-whole';
  const seen = document.createElement('div');
  seen.className = 'log-seen';
  whole.append(seen);
  element.append(whole);
  let atEnd = false;
  let follows = false;
  let needle = '';
  let current: number | undefined;

  const linesInView = (): number => Math.max(1, Math.floor(element.clientHeight / LINE_PX));
  const height = (): number => Math.min(HEIGHT_MAX_PX, log.length * LINE_PX);
  const isScaled = (): boolean => log.length * LINE_PX > HEIGHT_MAX_PX;
  const scrollMax = (): number => Math.max(1, height() - element.clientHeight);
  const topLine = (): number =>
    isScaled()
      ? (Math.min(1, element.scrollTop / scrollMax()) * (log.length * LINE_PX - element.clientHeight)) / LINE_PX
      : element.scrollTop / LINE_PX;

  function lineElement(line: number): HTMLElement {
    const made = document.createElement('div');
    made.className = log.isError(line) ? 'log-line mc-stderr' : 'log-line';
    if (line + log.dropped === current) made.classList.add('current');
    const number = document.createElement('span');
    number.className = 'log-number';
    number.setAttribute('aria-hidden', 'true');
    number.textContent = String(line + log.dropped + 1);
    const plain = log.plain(line).slice(0, DRAWN_CHARS_MAX);
    if (needle !== '' && plain.toLowerCase().includes(needle)) made.append(number, ...marked(plain));
    else {
      const terminal = createTerminal({ linesMax: 1, charsMax: DRAWN_CHARS_MAX });
      terminal.write(log.raw(line).slice(0, DRAWN_CHARS_MAX), 'stdout');
      made.append(number, ...nodesOf(document, terminal.lines().slice(0, 1)));
    }
    return made;
  }

  function marked(plain: string): readonly Node[] {
    const nodes: Node[] = [];
    const folded = plain.toLowerCase();
    let from = 0;
    for (let at = folded.indexOf(needle); at >= 0; at = folded.indexOf(needle, from)) {
      const mark = document.createElement('mark');
      mark.textContent = plain.slice(at, at + needle.length);
      nodes.push(document.createTextNode(plain.slice(from, at)), mark);
      from = at + needle.length;
    }
    nodes.push(document.createTextNode(plain.slice(from)));
    return nodes;
  }

  function draw(): void {
    const top = topLine();
    const first = Math.max(0, Math.floor(top) - AROUND);
    const last = Math.min(log.length, Math.ceil(top) + linesInView() + AROUND);
    seen.style.transform = `translateY(${Math.round(element.scrollTop - (top - first) * LINE_PX)}px)`;
    seen.style.setProperty('--log-digits', String(String(log.dropped + log.length).length));
    seen.replaceChildren(...Array.from({ length: Math.max(0, last - first) }, (_, at) => lineElement(first + at)));
  }

  function settle(): void {
    // Out of the page it has no place.
    if (element.clientHeight === 0) return;
    atEnd = element.scrollTop >= height() - element.clientHeight - LINE_PX / 2;
    onPlace();
  }

  element.addEventListener(
    'scroll',
    () => {
      settle();
      follows = atEnd;
      draw();
    },
    { passive: true },
  );

  function scrollToLine(line: number): void {
    follows = false;
    const at = Math.max(0, Math.min(line, log.length - linesInView()));
    element.scrollTop = isScaled()
      ? (at * LINE_PX * scrollMax()) / (log.length * LINE_PX - element.clientHeight)
      : at * LINE_PX;
  }

  return {
    element,
    get isAtEnd() {
      return atEnd;
    },
    refresh() {
      whole.style.height = `${height()}px`;
      if (follows) element.scrollTop = height();
      settle();
      draw();
    },
    show(line, where) {
      const here = line - log.dropped;
      scrollToLine(where === 'top' ? here : here - (linesInView() >> 1));
      settle();
      draw();
    },
    toEnd() {
      follows = true;
      this.refresh();
    },
    // A part of a line does not count.
    top: () => Math.ceil(topLine() - 0.05) + log.dropped,
    mark(text, line) {
      needle = text.toLowerCase();
      current = line;
      draw();
    },
  };
}
