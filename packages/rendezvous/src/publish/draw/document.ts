/**
 * A document as the HTML of its published page, from the tree that the editor draws from.
 *
 * 1. Whatever the document says, no markup of it reaches the page: what is written here is escaped, or made here.
 * 2. HTML that a program made is shown in a frame without an origin and without scripts.
 * 3. What a cell says of itself counts: `echo: false` hides its code, `output: false` what it printed.
 */
import {
  escapeHtml,
  findCells,
  parseMarkdown,
  renderHtml,
  type Cell,
  type OutputFence,
  type RenderOptions,
} from '@markco/protocol';
import { languageName, loadCode } from './code.ts';
import { FRAME_STYLE } from '../style.ts';
import { loadMath, type DrawMath } from './math.ts';
import { drawOutput } from './output.ts';
import type { Links } from './links.ts';

export async function drawDocument(text: string, links: Links): Promise<string> {
  const cells = findCells(text, parseMarkdown(text));
  const cellAt = new Map(cells.map((cell) => [cell.from, cell]));
  const outputAt = new Map(
    cells.flatMap(({ options, output }) => (output === null ? [] : [[output.from, { options, output }] as const])),
  );
  const drawCode = await loadCode(
    text.matchAll(/^[ >\t*+\d.)-]*(?:`{3,}|~{3,})([^\n]*)$/gm).map(([, info = '']) => info),
  );
  const drawMath: DrawMath = /\$|latex/.test(text) ? await loadMath() : escapeHtml;
  const inner: RenderOptions = {
    html: false,
    wikiAddress: links.wiki,
    addressOf: (address, of) => (of === 'link' ? links.page(address) : links.file(address)),
    drawMath,
  };
  const code = (source: string, info: string): string => {
    const name = languageName(info);
    const label = name === '' ? '' : ` class="language-${escapeHtml(name)}"`;
    return `<pre tabindex="0"><code${label}>${drawCode(source, info)}\n</code></pre>\n`;
  };

  function output({
    options,
    output: { text: printed },
  }: Pick<Cell, 'options'> & { readonly output: OutputFence }): string {
    if (options.output === false) return '';
    if (options.output !== 'asis') return drawOutput(printed, links);
    return /^\s*<[a-z!]/i.test(printed) ? frame(printed) : renderHtml(printed, inner);
  }

  return renderHtml(text, {
    ...inner,
    drawCode({ from, info, lines }) {
      const found = outputAt.get(from);
      if (found !== undefined) return output(found);
      const cell = cellAt.get(from);
      if (cell !== undefined) return cell.options.echo ? code(cell.source, info) : '';
      return code(lines.join('\n'), info);
    },
  });
}

/** Its height is not known without a script: what is longer scrolls. */
function frame(html: string): string {
  const page = `<!doctype html><meta charset="utf-8"><style>${FRAME_STYLE}</style>${html}`;
  return `<iframe sandbox="" title="Output" loading="lazy" srcdoc="${escapeHtml(page)}"></iframe>\n`;
}
