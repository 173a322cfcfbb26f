/** Formulas as MathML, which browsers draw by themselves: without a script, a style or a font of ours. */
import { escapeHtml } from '@markco/protocol';

export type DrawMath = (tex: string, isDisplay: boolean) => string;

/** A longer one is no formula that somebody wrote. */
const TEX_CHARS_MAX = 10_000;

/** KaTeX, with what the editor lets it do: no link, no picture, nothing that grows without end. */
export async function loadMath(): Promise<DrawMath> {
  const { default: katex } = await import('katex');
  return (tex, isDisplay) => {
    if (tex.length > TEX_CHARS_MAX) return escapeHtml(tex);
    try {
      return katex.renderToString(tex, {
        displayMode: isDisplay,
        throwOnError: true,
        trust: false,
        strict: 'ignore',
        maxSize: 40,
        maxExpand: 500,
        output: 'mathml',
      });
    } catch {
      return `<code class="wrong">${escapeHtml(tex)}</code>`;
    }
  };
}
