/** What a run showed besides text (pictures, tables, formulas), above its lines. */
import { useEffect, useRef } from 'preact/hooks';
import { createItemView } from '../editor/output/item-views.ts';
import { language, t } from '../i18n/words.ts';
import { useShell } from '../shell/shell.ts';
import type { RunLog } from './run-log.ts';

export function ShownThings({ log, open }: { readonly log: RunLog; readonly open: boolean }) {
  const { editors } = useShell();
  const host = useRef<HTMLDivElement>(null);
  const draw = (): void => {
    if (host.current === null || host.current.childElementCount > 0) return;
    for (const { data } of log.shown) {
      const item = createItemView(
        {
          document,
          t: editors.t,
          locale: language.peek(),
          // What a run shows carries its pictures with it; it names no files, and its links lead nowhere from here.
          urlOf: () => '',
          openLink: () => undefined,
          onResize: () => undefined,
        },
        { kind: 'display', data },
      );
      item.refresh();
      host.current.append(item.element);
    }
  };
  useEffect(() => {
    if (open) draw();
  }, []);
  return (
    <details class="run-things" open={open} onToggle={(event) => event.currentTarget.open && draw()}>
      <summary>{t('shownThings', { count: log.shown.length })}</summary>
      <div ref={host} class="mc-output" />
    </details>
  );
}
