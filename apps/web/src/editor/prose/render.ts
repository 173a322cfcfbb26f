/** Markdown as sanitized HTML: tables in the text, and Markdown that a program displays. */
import { renderHtml } from '@markco/protocol';
import DOMPurify from 'dompurify';
import type { Translate } from '../parts.ts';
import { drawMath } from './draw-math.ts';
import { isOwnFile, isSafeTarget } from './safe-target.ts';

const purify = DOMPurify(window);
// Of styles only the alignment of table cells, which the renderer writes.
purify.addHook('uponSanitizeAttribute', (_element, attribute) => {
  if (attribute.attrName === 'style')
    attribute.keepAttr = /^text-align:(?:left|right|center)$/.test(attribute.attrValue);
});

export type RenderParts = {
  readonly t: Translate;
  readonly urlOf: (path: string) => string;
  readonly openLink: (target: string) => void;
};

/**
 * Replaces what the element holds. Raw HTML in the source is shown as text; what the renderer writes is
 * sanitized all the same. Pictures only by relative path: one of another site would tell it who reads.
 */
export function renderMarkdownInto(element: HTMLElement, source: string, parts: RenderParts): void {
  const fragment = purify.sanitize(renderHtml(source), {
    RETURN_DOM_FRAGMENT: true,
    FORBID_TAGS: ['style', 'form', 'input', 'button', 'iframe', 'svg', 'math'],
    FORBID_ATTR: ['id', 'name'],
  });
  for (const image of fragment.querySelectorAll('img')) {
    const path = image.getAttribute('src') ?? '';
    if (isOwnFile(path)) image.src = parts.urlOf(path);
    else image.replaceWith(image.alt);
  }
  for (const link of fragment.querySelectorAll('a')) {
    const target = link.getAttribute('href') ?? '';
    link.removeAttribute('href');
    if (target === '' || !isSafeTarget(target)) continue;
    const open = (): void => parts.openLink(target);
    link.addEventListener('click', open);
    link.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') open();
    });
    link.className = 'mc-link';
    link.setAttribute('role', 'link');
    link.tabIndex = 0;
  }
  for (const math of fragment.querySelectorAll<HTMLElement>('.math')) {
    void drawMath(
      math,
      (math.textContent ?? '').replace(/^\$\$?|\$\$?$/g, ''),
      math.classList.contains('display'),
      parts.t,
    );
  }
  element.replaceChildren(fragment);
}
