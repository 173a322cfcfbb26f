/** One thing a program showed → one element. The richest form this page can show safely is taken. */
import { createTerminal } from '@markco/protocol/output/terminal';
import type { Translate } from '../parts.ts';
import { drawMath } from '../prose/draw-math.ts';
import { renderMarkdownInto } from '../prose/render.ts';
import { createHtmlFrame } from './html-frame.ts';
import { createJsonView } from './json-view.ts';
import { needsPaper } from './paper.ts';
import type { MimeBundle, OutputItem } from './run-output.ts';
import { createStreamView, type StreamView } from './stream-view.ts';
import { foldTraceback } from './traceback.ts';

export type ItemParts = {
  readonly document: Document;
  readonly t: Translate;
  readonly locale: string;
  readonly urlOf: (path: string) => string;
  readonly openLink: (target: string) => void;
  readonly onResize: () => void;
  /** Shows all that the run printed; absent where this is done already. */
  readonly onWhole?: () => void;
};

export type ItemView = { readonly element: HTMLElement; refresh(): void };

const BINARY = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'] as const;

export function createItemView(parts: ItemParts, item: OutputItem): ItemView {
  const still = (element: HTMLElement): ItemView => ({ element, refresh: () => undefined });
  switch (item.kind) {
    case 'stream':
      return createStreamView(parts.document, item.terminal, parts.t, parts.locale, parts.onWhole);
    case 'display':
    case 'result':
      return still(showBundle(parts, item.data));
    case 'error':
      return still(showError(parts, item.type, item.message, item.traceback));
    case 'picture':
      return still(picture(parts, parts.urlOf(item.path), item.alt));
    case 'link': {
      const line = parts.document.createElement('div');
      line.className = 'mc-output-link';
      const link = parts.document.createElement('a');
      link.href = parts.urlOf(item.path);
      link.target = '_blank';
      link.rel = 'noreferrer';
      link.textContent = item.label;
      line.append(item.before, link);
      return still(line);
    }
  }
}

function showBundle(parts: ItemParts, data: MimeBundle): HTMLElement {
  const { document, t } = parts;
  const text = (mime: string): string | null => {
    const value = data[mime];
    return typeof value === 'string' ? value : null;
  };
  if (data['application/vnd.jupyter.widget-view+json'] !== undefined) {
    const widget = document.createElement('div');
    const note = document.createElement('div');
    note.className = 'mc-output-unknown';
    note.textContent = t('editor.output.widget');
    widget.append(note);
    const said = text('text/plain');
    if (said !== null) widget.append(streamOf(parts, said).element);
    return widget;
  }
  const html = text('text/html');
  if (html !== null) return createHtmlFrame(document, html, t('editor.output.html'), parts.onResize);
  const svg = text('image/svg+xml');
  const alt = text('text/plain')?.slice(0, 500) ?? t('editor.output.figure');
  if (svg !== null) return picture(parts, `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`, alt);
  for (const mime of BINARY) {
    const base64 = text(mime);
    if (base64 !== null) return picture(parts, `data:${mime};base64,${base64.replace(/\s/g, '')}`, alt);
  }
  const markdown = text('text/markdown');
  const latex = text('text/latex');
  if (markdown !== null || latex !== null) {
    const element = document.createElement('div');
    element.className = 'mc-output-markdown';
    if (markdown !== null) renderMarkdownInto(element, markdown, parts);
    else void drawMath(element, (latex ?? '').replace(/^\$\$?|\$\$?$/g, ''), true, t).then(parts.onResize);
    return element;
  }
  if (data['application/json'] !== undefined) return createJsonView(document, parsed(data['application/json']), true);
  const plain = text('text/plain');
  if (plain !== null) return streamOf(parts, plain).element;
  const unknown = document.createElement('div');
  unknown.className = 'mc-output-unknown';
  unknown.textContent = t('editor.output.unknown', { type: Object.keys(data).join(', ').slice(0, 200) });
  return unknown;
}

function parsed(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

function streamOf(parts: ItemParts, text: string): StreamView {
  const terminal = createTerminal();
  terminal.write(text, 'stdout');
  const view = createStreamView(parts.document, terminal, parts.t, parts.locale);
  view.refresh();
  return view;
}

function showError(parts: ItemParts, type: string, message: string, traceback: readonly string[]): HTMLElement {
  const { document, t } = parts;
  const element = document.createElement('div');
  element.className = 'mc-error';
  const lines = traceback.length > 0 ? traceback : [`${type}: ${message}`];
  for (const part of foldTraceback(lines)) {
    const view = streamOf(parts, part.lines.join('\n'));
    if (part.library && part.frames > 0) {
      const details = document.createElement('details');
      const summary = document.createElement('summary');
      summary.textContent = t('editor.output.frames', { count: part.frames });
      details.append(summary, view.element);
      details.addEventListener('toggle', parts.onResize);
      element.append(details);
    } else element.append(view.element);
  }
  return element;
}

function picture(parts: ItemParts, src: string, alt: string): HTMLElement {
  const { document } = parts;
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'mc-figure';
  const image = document.createElement('img');
  image.alt = alt;
  image.decoding = 'async';
  image.addEventListener('load', () => {
    image.classList.toggle('mc-on-paper', needsPaper(image));
    parts.onResize();
  });
  image.src = src;
  button.append(image);
  button.addEventListener('click', () => zoom(document, image));
  return button;
}

function zoom(document: Document, seen: HTMLImageElement): void {
  const dialog = document.createElement('dialog');
  dialog.className = 'mc-zoom';
  dialog.setAttribute('aria-label', seen.alt);
  const image = document.createElement('img');
  image.src = seen.src;
  image.alt = seen.alt;
  image.className = seen.className;
  dialog.append(image);
  dialog.addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
