/** TeX drawn by KaTeX. Loaded on first use: it and its fonts are larger than the rest of the editor. */
import katex from 'katex';
import 'katex/dist/katex.min.css';

/** Draws it; answers what is wrong with the formula, or null. `trust` is off: no link, image or class of its own. */
export function renderMath(element: HTMLElement, tex: string, displayMode: boolean): string | null {
  try {
    katex.render(tex, element, {
      displayMode,
      throwOnError: true,
      trust: false,
      strict: 'ignore',
      maxSize: 40,
      maxExpand: 500,
      output: 'htmlAndMathml',
    });
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
