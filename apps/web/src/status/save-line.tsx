/** Where the document is safe, in a few words; said in full when it is pointed at. */
import { t, timeOfDay } from '../i18n/words.ts';
import { useShell } from '../shell/shell.ts';
import type { SaveStatus } from './save-status.ts';

export type SaveTone = 'ok' | 'busy' | 'warn' | 'danger';

export function saveWords(status: SaveStatus): { readonly tone: SaveTone; readonly text: string } {
  switch (status.kind) {
    case 'saved':
      return {
        tone: 'ok',
        text: status.at === undefined ? t('savedHere') : t('savedHereAt', { time: timeOfDay(status.at) }),
      };
    case 'saving':
      return { tone: 'busy', text: t('saving') };
    case 'loading':
      return { tone: 'busy', text: t('opening') };
    case 'connecting':
      return { tone: 'busy', text: t('reachingDevice') };
    case 'offline':
      if (status.edits === undefined) return { tone: 'warn', text: t('offlineCopy') };
      return {
        tone: 'warn',
        text: status.edits === 0 ? t('offlineSaved') : t('offlineEdits', { count: status.edits }),
      };
    case 'keeping':
      return { tone: 'busy', text: t('offlineKeeping') };
    case 'not-kept':
      return { tone: 'danger', text: t(status.reason === 'full' ? 'offlineNotKeptFull' : 'offlineNotKept') };
    case 'cannot-write':
      return {
        tone: 'danger',
        text: t('cannotWrite', {
          path: status.path,
          reason:
            status.reason === 'other' ? status.message : t(status.reason === 'disk-full' ? 'diskFull' : 'noPermission'),
        }),
      };
    case 'failed':
      return { tone: 'danger', text: status.message };
  }
}

export function SaveLine() {
  const status = useShell().saveStatus.value;
  if (status === undefined) return null;
  const { tone, text } = saveWords(status);
  return (
    <p class={`save-line ${tone}`} role="status" title={text}>
      <span class="dot" aria-hidden="true" />
      <span class="save-text">{text}</span>
    </p>
  );
}
