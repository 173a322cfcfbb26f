/** The one dialog that is open, if any. */
import { t } from '../i18n/words.ts';
import { useShell } from '../shell/shell.ts';
import { Dialog, SheetHead } from '../ui/dialog.tsx';
import { later } from '../ui/later.tsx';
import { AskPath } from './ask-path.tsx';
import { Confirm } from './confirm.tsx';
import { MoreSheet } from './more-sheet.tsx';
import { OpenFolder } from './open-folder.tsx';
import { Palette } from './palette.tsx';
import { QuickOpen } from './quick-open.tsx';
import { Shortcuts } from './shortcuts.tsx';

const DevicesDialog = later(async () => (await import('../devices/devices-dialog.tsx')).DevicesDialog);
const PublishDialog = later(async () => (await import('../publishing/publish-dialog.tsx')).PublishDialog);
const AccountDialog = later(async () => (await import('../account/account-dialog.tsx')).AccountDialog);

const ShareDialog = later(async () => (await import('../share/share-dialog.tsx')).ShareDialog);

export function Dialogs() {
  const { view, workspace } = useShell();
  const project = workspace.project.value;
  const overlay = view.overlay.value;
  const close = (): void => {
    if (view.overlay.peek() === overlay) view.overlay.value = undefined;
  };
  switch (overlay?.kind) {
    case undefined:
      return null;
    case 'quick-open':
      return <QuickOpen close={close} />;
    case 'palette':
      return <Palette close={close} />;
    case 'shortcuts':
      return <Shortcuts close={close} />;
    case 'open-folder':
      return <OpenFolder close={close} />;
    case 'devices':
      return (
        <Dialog label={t('devices')} kind="sheet" close={close}>
          <SheetHead title={t('devices')} close={close} />
          <DevicesDialog close={close} />
        </Dialog>
      );
    case 'account':
      return (
        <Dialog label={t('account')} kind="sheet" close={close}>
          <SheetHead title={t('account')} close={close} />
          <AccountDialog />
        </Dialog>
      );
    case 'share':
      return (
        <Dialog label={t('shareTitle')} kind="sheet" close={close}>
          <SheetHead title={t('shareTitle')} close={close} />
          <ShareDialog />
        </Dialog>
      );
    case 'publish':
      return project === undefined ? null : (
        <Dialog label={t('publish')} kind="sheet" close={close}>
          <SheetHead title={t('publish')} close={close} />
          <PublishDialog project={project} />
        </Dialog>
      );
    case 'more':
      return <MoreSheet close={close} />;
    case 'ask-path':
      return <AskPath {...overlay} close={close} />;
    case 'confirm':
      return <Confirm {...overlay} close={close} />;
  }
}
