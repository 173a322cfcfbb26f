/** What has no room in the bar of a narrow screen: every command that needs no keyboard, as large lines. */
import { t } from '../i18n/words.ts';
import { useShell } from '../shell/shell.ts';
import { Dialog, SheetHead } from '../ui/dialog.tsx';

const offered: readonly string[] = [
  'new-document',
  'outline',
  'history',
  'variables',
  'runs',
  'run-all',
  'share',
  'publish',
  'open-folder',
  'devices',
  'account',
  'theme',
  'language',
];

export function MoreSheet({ close }: { readonly close: () => void }) {
  const { commands } = useShell();
  const known = new Map(commands.all.value.map((command) => [command.id, command]));
  return (
    <Dialog label={t('more')} kind="sheet" close={close}>
      <SheetHead title={t('more')} close={close} />
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
