/** Formulas, by a library that is loaded when the first one is seen. */
import type { Translate } from '../parts.ts';

/** Draws TeX into the element. An error of the formula is shown in its place, not thrown. */
export async function drawMath(element: HTMLElement, tex: string, display: boolean, t: Translate): Promise<void> {
  const { renderMath } = await import('./katex.ts');
  const error = renderMath(element, tex, display);
  if (error === null) return;
  element.classList.add('mc-drawing-error');
  element.textContent = tex;
  element.title = t('editor.math.error', { message: error });
}
