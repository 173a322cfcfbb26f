/** Pictures that are pasted or dropped become files of the project and a line that shows them. Text stays text; a URL over words links them. */
import type { Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { Failure, LIMITS } from '@markco/protocol';
import type { EditorParts } from './parts.ts';
import { isInCode } from './typing.ts';

type PasteParts = Pick<EditorParts, 'files' | 't' | 'notify'>;

export function pasting(parts: PasteParts): Extension {
  const take = (view: EditorView, data: DataTransfer | null, at: number): boolean => {
    if (data === null || view.state.readOnly || data.types.includes('text/plain')) return false;
    const pictures = [...data.files].filter((file) => file.type.startsWith('image/'));
    if (pictures.length === 0) return false;
    void insertPictures(view, pictures, at, parts);
    return true;
  };
  return EditorView.domEventHandlers({
    paste: (event, view) => {
      const taken = take(view, event.clipboardData, view.state.selection.main.head) || link(view, event.clipboardData);
      if (taken) event.preventDefault();
      return taken;
    },
    drop: (event, view) => {
      const at = view.posAtCoords({ x: event.clientX, y: event.clientY }, false);
      const taken = take(view, event.dataTransfer, at);
      if (taken) event.preventDefault();
      return taken;
    },
  });
}

/** A URL pasted over words makes the words a link. */
function link(view: EditorView, data: DataTransfer | null): boolean {
  const { main } = view.state.selection;
  const url = data?.getData('text/plain').trim() ?? '';
  const words = view.state.sliceDoc(main.from, main.to);
  if (
    main.empty ||
    view.state.readOnly ||
    !/^https?:\/\/[^\s<>]{1,2000}$/.test(url) ||
    /[[\]\n]/.test(words) ||
    isInCode(view.state, main.from)
  )
    return false;
  view.dispatch(view.state.replaceSelection(`[${words}](${/[()]/.test(url) ? `<${url}>` : url})`), {
    userEvent: 'input.paste',
    scrollIntoView: true,
  });
  return true;
}

/** Saved one after the other; the place is kept through edits made meanwhile by being the cursor, or the end. */
async function insertPictures(
  view: EditorView,
  pictures: readonly File[],
  at: number,
  { files, t, notify }: PasteParts,
): Promise<void> {
  const moved = view.state.selection.main.head !== at;
  if (moved) view.dispatch({ selection: { anchor: at } });
  for (const picture of pictures) {
    if (picture.size > LIMITS.assetBytesMax) {
      notify(t('editor.paste.large'));
      continue;
    }
    notify(t('editor.paste.saving'));
    try {
      const path = await files.savePastedImage(picture, picture.name);
      const name = picture.name.replace(/\.[^.]*$/, '').replace(/[[\]\\]/g, '');
      const target = /[\s()<>]/.test(path) ? `<${path}>` : path;
      view.dispatch(view.state.replaceSelection(`![${name}](${target})`), {
        userEvent: 'input.paste',
        scrollIntoView: true,
      });
    } catch (error) {
      notify(t('editor.paste.failed', { message: Failure.from(error).message }));
    }
  }
}
