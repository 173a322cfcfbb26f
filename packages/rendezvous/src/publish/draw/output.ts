/** The `output` fence of a cell as HTML: what a terminal would show, pictures, links, and errors. */
import { escapeHtml } from '@markco/protocol';
import { itemsOfFence, type FenceItem } from '@markco/protocol/output/fence-items';
import type { TextStyle } from '@markco/protocol/output/sgr';
import type { Line } from '@markco/protocol/output/terminal';
import type { Links } from './links.ts';

/** Longer text is folded: a reader opens it. */
const OPEN_LINES_MAX = 24;

export function drawOutput(text: string, links: Links): string {
  const html = itemsOfFence(text).map((item) => drawItem(item, links));
  return html.length === 0 ? '' : `<div class="output">${html.join('')}</div>\n`;
}

function drawItem(item: FenceItem, links: Links): string {
  switch (item.kind) {
    case 'stream': {
      const lines = item.terminal.lines();
      return folded(lines.length, `<pre>${lines.map(drawLine).join('\n')}</pre>`);
    }
    case 'error': {
      const last = escapeHtml(`${item.type}${item.message === '' ? '' : `: ${item.message}`}`);
      const pre = `<pre>${escapeHtml(item.traceback.join('\n'))}</pre>`;
      return `<details class="error"><summary>${last}</summary>${pre}</details>`;
    }
    case 'picture': {
      const address = links.file(`/${item.path}`);
      const alt = escapeHtml(item.alt);
      return address === null
        ? `<p class="missing">${alt}</p>`
        : `<img src="${escapeHtml(address)}" alt="${alt}" loading="lazy" />`;
    }
    case 'link': {
      const address = links.file(`/${item.path}`);
      const label = escapeHtml(item.label);
      return `<p>${escapeHtml(item.before)}${address === null ? label : `<a href="${escapeHtml(address)}">${label}</a>`}</p>`;
    }
  }
}

function folded(lines: number, pre: string): string {
  if (lines <= OPEN_LINES_MAX) return pre;
  return `<details><summary>${lines.toLocaleString('en')} lines of output</summary>${pre}</details>`;
}

function drawLine(line: Line): string {
  return line
    .map(({ text, style }) => {
      const classes = classesOf(style);
      return classes === '' ? escapeHtml(text) : `<span class="${classes}">${escapeHtml(text)}</span>`;
    })
    .join('');
}

/** Of colors the sixteen that have a name; a style of its own is nothing that a page may have. */
function classesOf(style: TextStyle): string {
  const [fg, bg] = style.inverse ? [style.bg, style.fg] : [style.fg, style.bg];
  return [
    /^\d+$/.test(fg) ? `c${fg}` : '',
    /^\d+$/.test(bg) ? `b${bg}` : '',
    style.inverse && fg === '' && bg === '' ? 'inverse' : '',
    style.bold ? 'bold' : '',
    style.dim ? 'dim' : '',
    style.italic ? 'italic' : '',
    style.underline ? 'underline' : '',
    style.strike ? 'strike' : '',
  ]
    .filter((name) => name !== '')
    .join(' ');
}
