/** Opening links: Ctrl- or Cmd-click anywhere, a tap on touch, a plain click in what is drawn (tables, output). */
import type { Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import type { EditorParts } from '../parts.ts';

/** What a document may open. Other schemes (`javascript:`, `file:`) are not links. */
const SCHEME = /^([a-z][a-z0-9+.-]*):/i;
const SAFE_SCHEMES: ReadonlySet<string> = new Set(['http', 'https', 'mailto']);

export function isSafeTarget(target: string): boolean {
  // oxlint-disable-next-line no-control-regex
  const scheme = SCHEME.exec(target.replace(/[\x00-\x20]/g, ''))?.[1];
  return scheme === undefined || SAFE_SCHEMES.has(scheme.toLowerCase());
}

export function following(links: EditorParts['links']): Extension {
  let byTouch = false;
  const targetOf = (event: Event): HTMLElement | null => (event.target instanceof Element ? event.target.closest<HTMLElement>('[data-target]') : null);
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
      const drawn = element.tagName === 'A';
      const revealed = view.hasFocus && element.closest('.cm-line')?.querySelector('.mc-syntax') != null;
      if (!(event.ctrlKey || event.metaKey || drawn || (byTouch && !revealed))) return false;
      event.preventDefault();
      return follow(element);
    },
    keydown(event) {
      const element = targetOf(event);
      if (event.key !== 'Enter' || element?.tagName !== 'A') return false;
      return follow(element);
    },
  });
}
