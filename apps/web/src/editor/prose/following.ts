/** Opening links of the text: Ctrl- or Cmd-click, or a tap. Links in what is drawn (tables, output) are `render.ts`. */
import type { Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import type { EditorParts } from '../parts.ts';
import { isSafeTarget } from './safe-target.ts';

export function following(links: EditorParts['links']): Extension {
  let byTouch = false;
  const targetOf = (event: Event): HTMLElement | null =>
    event.target instanceof Element ? event.target.closest<HTMLElement>('[data-target]') : null;
  const follow = (element: HTMLElement): boolean => {
    const target = element.dataset['target'] ?? '';
    if (target === '' || !isSafeTarget(target)) return false;
    links.open(target);
    return true;
  };
  return EditorView.domEventHandlers({
    pointerdown(event) {
      byTouch = event.pointerType === 'touch';
      return false;
    },
    mousedown(event) {
      const element = targetOf(event);
      return element !== null && (event.ctrlKey || event.metaKey) && event.button === 0;
    },
    click(event, view) {
      const element = targetOf(event);
      if (element === null) return false;
      const syntax = element.closest('.cm-line')?.querySelector('.mc-syntax') ?? null;
      const revealed = view.hasFocus && syntax !== null;
      if (!(event.ctrlKey || event.metaKey || (byTouch && !revealed))) return false;
      event.preventDefault();
      return follow(element);
    },
  });
}
