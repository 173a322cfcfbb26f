/** Where the document is safe, in a few words; a press says on which devices. */
import { mayWrite } from '../guest/guest.ts';
import { t, timeOfDay } from '../i18n/words.ts';
import { useShell } from '../shell/shell.ts';
import type { CopyHere, SaveStatus } from './save-status.ts';

export type SaveTone = 'ok' | 'busy' | 'warn' | 'danger';

export function saveWords(status: SaveStatus): { readonly tone: SaveTone; readonly text: string } {
  switch (status.kind) {
    case 'saved':
      return { tone: 'ok', text: savedWords(status) };
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

/** Said of other devices only where they are known to have it. */
function savedWords({ at, copies = [] }: Extract<SaveStatus, { kind: 'saved' }>): string {
  const have = copies.filter(({ has }) => has).length;
  if (copies.length > have) return t('savedOn', { have, count: copies.length });
  if (at === undefined) return copies.length > 1 ? t('inSync', { count: have }) : t('savedHere');
  if (copies.length < 2) return t('savedHereAt', { time: timeOfDay(at) });
  const last = Math.max(at, ...copies.slice(1).map(({ since }) => since));
  return t('inSyncAt', { count: have, time: timeOfDay(last) });
}

/** What Ctrl+S says of what is saved. */
export function alreadySavedWords(status: SaveStatus | undefined): string {
  const copies = (status?.kind === 'saved' ? status.copies : undefined) ?? [];
  const have = copies.filter(({ has }) => has).length;
  if (copies.length < 2) return t('alreadySaved');
  return have === copies.length
    ? t('alreadySavedOn', { count: have })
    : t('alreadySavedOnSome', { have, count: copies.length });
}

export function copyWords({ name, has, online, since }: CopyHere, isHere: boolean): string {
  if (isHere) return t('copyHere', { name });
  if (has) return t('copySince', { name, time: timeOfDay(since) });
  return online ? t('copyComing', { name }) : t('copyOffline', { name, time: timeOfDay(since) });
}

const LIST = 'where-it-is';

export function SaveLine() {
  const { saveStatus, guest, workspace } = useShell();
  const status = saveStatus.value;
  if (status === undefined) return null;
  const { tone, text } =
    status.kind === 'saved' && !mayWrite(guest, workspace.document.value?.id)
      ? ({ tone: 'ok', text: t('readOnly') } as const)
      : saveWords(status);
  const copies = (status.kind === 'saved' ? status.copies : undefined) ?? [];
  return (
    <>
      <p class={`save-line ${tone}`} role="status" title={text}>
        <span class="dot" aria-hidden="true" />
        {copies.length > 1 ? (
          <button type="button" class="save-text" popovertarget={LIST}>
            {text}
          </button>
        ) : (
          <span class="save-text">{text}</span>
        )}
      </p>
      <div id={LIST} class="copies" popover="auto" role="dialog" aria-label={t('whereItIs')}>
        <h2>{t('whereItIs')}</h2>
        <ul>
          {copies.map((copy, at) => (
            <li key={`${at} ${copy.name}`} class={copy.has ? 'has' : ''}>
              {copyWords(copy, at === 0)}
            </li>
          ))}
        </ul>
      </div>
    </>
  );
}
