/** What has no room in the bar of a narrow screen: every command that needs no keyboard, as large lines. */
import { t } from '../i18n/words.ts';
import { useShell } from '../shell/shell.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Icon } from '../ui/icon.tsx';

const offered: readonly string[] = [
  'new-document',
  'outline',
  'history',
  'variables',
  'runs',
  'run-all',
  'open-folder',
  'theme',
  'language',
];

export function MoreSheet({ close }: { readonly close: () => void }) {
  const { commands } = useShell();
  const known = new Map(commands.all.value.map((command) => [command.id, command]));
  return (
    <Dialog label={t('more')} kind="sheet" close={close}>
      <header class="sheet-head">
        <h2>{t('more')}</h2>
        <button class="icon-button" type="button" aria-label={t('close')} onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      <ul class="more-list">
        {offered.flatMap((id) => {
          const command = known.get(id);
          if (command === undefined || !command.available()) return [];
          return (
            <li key={id}>
              <button
                type="button"
                onClick={() => {
                  close();
                  command.run();
                }}
              >
                {command.title()}
              </button>
            </li>
          );
        })}
      </ul>
    </Dialog>
  );
}
