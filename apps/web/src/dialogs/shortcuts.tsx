/** The sheet of all keys, by what they are about. */
import { t, type Key } from '../i18n/words.ts';
import { useShell } from '../shell/shell.ts';
import type { CommandGroup } from '../commands/registry.ts';
import { Dialog, SheetHead } from '../ui/dialog.tsx';
import { Keys } from '../ui/keys.tsx';

const names: Readonly<Record<CommandGroup, Key>> = {
  go: 'groupGo',
  document: 'groupDocument',
  run: 'groupRun',
  view: 'groupView',
  project: 'groupProject',
};
const order: readonly CommandGroup[] = ['run', 'go', 'document', 'view', 'project'];

export function groupName(group: CommandGroup): string {
  return t(names[group]);
}

export function Shortcuts({ close }: { readonly close: () => void }) {
  const { commands } = useShell();
  const withKeys = commands.all.value.filter((command) => command.keys.length > 0);
  return (
    <Dialog label={t('shortcuts')} kind="sheet" close={close}>
      <SheetHead title={t('shortcuts')} close={close} />
      <div class="shortcut-groups" tabIndex={0}>
        {order.map((group) => {
          const inside = withKeys.filter((command) => command.group === group);
          if (inside.length === 0) return null;
          return (
            <section key={group}>
              <h3>{groupName(group)}</h3>
              <dl>
                {inside.map((command) => (
                  <div key={command.id}>
                    <dt>{command.title()}</dt>
                    <dd>
                      {command.keys.map((keys) => (
                        <Keys key={keys} keys={keys} />
                      ))}
                    </dd>
                  </div>
                ))}
              </dl>
            </section>
          );
        })}
      </div>
    </Dialog>
  );
}
