/** The name of the project in view; a press on it shows the others, and how to open one more. */
import { useSignal } from '@preact/signals';
import { isAtCloud } from '../account/at-cloud.ts';
import { t } from '../i18n/words.ts';
import { useShell } from '../shell/shell.ts';
import { Icon } from '../ui/icon.tsx';
import { Menu, type MenuPlace } from '../ui/menu.tsx';

export function ProjectSwitcher() {
  const { workspace, projects, view, guest } = useShell();
  const menu = useSignal<MenuPlace | undefined>(undefined);
  const current = workspace.project.value;
  const others = (workspace.projects.value ?? []).filter((project) => project.id !== current?.id);
  const items = [
    ...others
      .slice(0, 30)
      .map((project) => ({ label: project.displayName, danger: false, run: () => projects.show(project) })),
    ...(isAtCloud(workspace) && current !== undefined
      ? [{ label: t('share'), danger: false, run: () => (view.overlay.value = { kind: 'share' }) }]
      : []),
    { label: t('openFolder'), danger: false, run: () => (view.overlay.value = { kind: 'open-folder' }) },
    { label: t('devices'), danger: false, run: () => (view.overlay.value = { kind: 'devices' }) },
    ...(isAtCloud(workspace)
      ? [{ label: t('account'), danger: false, run: () => (view.overlay.value = { kind: 'account' }) }]
      : []),
    ...(current === undefined
      ? []
      : [
          {
            label: t('closeProject', { name: current.displayName }),
            danger: false,
            run: () => void projects.close(current),
          },
        ]),
  ];
  return (
    <div class="switcher">
      {guest !== undefined ? (
        <p class="switcher-button">
          <img src="/icon.svg" alt="" width="20" height="20" />
          <span class="switcher-name">{current?.displayName ?? 'MarkCo'}</span>
        </p>
      ) : (
        <button
          type="button"
          class="switcher-button"
          aria-haspopup="menu"
          aria-expanded={menu.value !== undefined}
          title={current?.localRootPath}
          onClick={(event) => {
            const box = event.currentTarget.getBoundingClientRect();
            menu.value = { x: box.left, y: box.bottom + 4 };
          }}
        >
          <img src="/icon.svg" alt="" width="20" height="20" />
          <span class="switcher-name">{current?.displayName ?? 'MarkCo'}</span>
          <Icon name="down" />
        </button>
      )}
      <button
        class="icon-button sidebar-close"
        type="button"
        title={t('toggleSidebar')}
        aria-label={t('toggleSidebar')}
        onClick={() => (view.sidebar.value = false)}
      >
        <Icon name={view.narrow.value ? 'close' : 'sidebar'} />
      </button>
      {menu.value !== undefined && (
        <Menu label={t('projects')} place={menu.value} items={items} close={() => (menu.value = undefined)} />
      )}
    </div>
  );
}
