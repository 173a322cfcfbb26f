/**
 * The caret stands still while somebody types, and blinks once he pauses. CodeMirror would start its animation anew with
 * every key, and an animation that has just started costs the next frames: in a long document more than the key does.
 */
import type { Extension } from '@codemirror/state';
import { ViewPlugin } from '@codemirror/view';

const PAUSE_MS = 500;
const RESTING = 'mc-resting';

export function restingCaret(): Extension {
  return ViewPlugin.define((view) => {
    const rest = (): void => view.scrollDOM.classList.add(RESTING);
    let timer = setTimeout(rest, PAUSE_MS);
    return {
      update(update) {
        if (!update.docChanged && !update.selectionSet) return;
        view.scrollDOM.classList.remove(RESTING);
        clearTimeout(timer);
        timer = setTimeout(rest, PAUSE_MS);
      },
      destroy: () => clearTimeout(timer),
    };
  });
}
