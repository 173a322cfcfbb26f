/** Where a listed run is and why there, and what can be done while its device is away: wait, cancel, run a copy. */
import { Failure, runMachine, type DeviceId, type Run } from '@markco/protocol';
import { language } from '../i18n/words.ts';
import { useShell } from '../shell/shell.ts';
import { whyWords } from './why-words.ts';

/** Nothing for who has one device, or where nobody says. */
export function RunWhy({ run }: { readonly run: Run }) {
  const { places } = useShell();
  const { why } = run.routedTo;
  if (why === undefined || places.known.value.length < 2) return null;
  return <span class="run-why">{whyWords(why, language.value)}</span>;
}

export function RunAway({ run, onCopy }: { readonly run: Run; readonly onCopy?: (copy: Run) => void }) {
  const { places, workspace, toasts, editors } = useShell();
  const { t } = editors;
  const isSilent = run.unreachable !== undefined;
  if (runMachine.isTerminal(run.state) || (!isSilent && run.waitsFor === undefined)) return null;
  const known = places.known.value;
  const others = known.filter(({ id, name }) => id !== run.routedTo.deviceId && name !== run.waitsFor);
  const here = others.find(({ isHere }) => isHere);
  const host = known.find(({ id }) => id === run.routedTo.deviceId)?.name;
  const name = (isSilent ? host : run.waitsFor) ?? t('editor.status.itsDevice');

  const report = (work: Promise<unknown>): void => {
    work.catch((error: unknown) => toasts.warn(Failure.from(error).message));
  };
  const isCancelAsked = places.cancelAsked.value.has(run.id);
  const cancel = async (): Promise<void> => workspace.noteRun(await places.cancel(run));
  const copy = async (on: DeviceId): Promise<void> => {
    const made = await places.copy(run, on);
    if (made === null) return;
    workspace.noteRun(made);
    onCopy?.(made);
  };
  const askWhere = (button: HTMLElement): void =>
    places.choose({
      what: 'copy',
      beside: button.getBoundingClientRect(),
      wanted: {
        projectId: run.projectId,
        ...(run.documentId === undefined ? {} : { documentId: run.documentId }),
        language: run.language,
        code: run.code,
      },
      pick: (on) => report(copy(on)),
    });
  return (
    <div class="run-away">
      <p>
        {t(isSilent ? 'editor.away.silent' : 'editor.away.waiting', { device: name })}
        {isCancelAsked && <span class="away"> ({t('editor.status.cancelAsked')})</span>}
      </p>
      <button class="button" type="button" disabled={isCancelAsked} onClick={() => report(cancel())}>
        {t('editor.away.cancel')}
      </button>
      {here !== undefined && (
        <button class="button" type="button" onClick={() => report(copy(here.id))}>
          {t(isSilent ? 'editor.away.copyHere' : 'editor.away.insteadHere')}
        </button>
      )}
      {others.some(({ isHere }) => !isHere) && (
        <button class="button" type="button" onClick={(event) => askWhere(event.currentTarget)}>
          {t(isSilent ? 'editor.away.copyElsewhere' : 'editor.away.insteadElsewhere')}
        </button>
      )}
    </div>
  );
}
