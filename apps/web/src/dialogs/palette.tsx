/** Every command that can run now, with its key. */
import { t } from '../i18n/words.ts';
import { useShell } from '../shell/shell.ts';
import { groupName } from './shortcuts.tsx';
import { Keys } from '../ui/keys.tsx';
import { Picker } from '../ui/picker.tsx';

export function Palette({ close }: { readonly close: () => void }) {
  const { commands } = useShell();
  const items = commands.all.value
    .filter((command) => command.id !== 'palette' && command.available())
    .map((command) => ({
      id: command.id,
      title: command.title(),
      detail: groupName(command.group),
      aside: command.keys[0] !== undefined && <Keys keys={command.keys[0]} />,
      pick: command.run,
    }));
  return <Picker label={t('palette')} placeholder={t('paletteHint')} items={items} close={close} />;
}
