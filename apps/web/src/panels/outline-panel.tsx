/** The headings of the document in view; a press goes there. */
import { t } from '../i18n/words.ts';
import { useShell } from '../shell/shell.ts';

export function OutlinePanel() {
  const { editors, view } = useShell();
  const headings = editors.outline.value;
  if (headings.length === 0) return <p class="empty">{t('noHeadings')}</p>;
  const top = Math.min(...headings.map((heading) => heading.level));
  return (
    <ul class="outline">
      {headings.map((heading) => (
        <li key={heading.from} style={{ '--level': heading.level - top }}>
          <button
            type="button"
            class="outline-line"
            onClick={() => {
              editors.editor.peek()?.goTo(heading.from);
              if (view.narrow.peek()) view.panel.value = 'none';
            }}
          >
            {heading.text}
          </button>
        </li>
      ))}
    </ul>
  );
}
