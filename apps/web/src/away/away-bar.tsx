/** Says what runs printed while nobody was looking, and leads to the first line of it. */
import { t } from '../i18n/words.ts';
import { useShell } from '../shell/shell.ts';
import { readerTitle } from '../tree/reader-title.ts';
import { Icon } from '../ui/icon.tsx';

export function AwayBar() {
  const { away, router, workspace } = useShell();
  return (
    <>
      {away.missed.value.map(({ runId, documentId, from, lines, more }) => {
        const document = workspace.documents.value?.find((one) => one.id === documentId);
        const words = t(more ? 'whileAwayMore' : 'whileAway', { count: lines });
        const open = (): void => {
          away.dismiss(runId);
          router.go({ at: 'run', runId, from });
        };
        return (
          <div key={runId} class="device-bar away-bar" role="status">
            <button class="quiet-button" type="button" onClick={open}>
              {document === undefined ? words : `${words} · ${readerTitle(document)}`} ▸
            </button>
            <button
              class="icon-button"
              type="button"
              title={t('close')}
              aria-label={t('close')}
              onClick={() => away.dismiss(runId)}
            >
              <Icon name="close" />
            </button>
          </div>
        );
      })}
    </>
  );
}
