/** What can be done about a run whose device is away: wait, cancel it, or run a copy on another device. */
import type { PlaceDevice, Translate } from '../parts.ts';
import { isActive, type CellRun } from '../runs.ts';

export type AwayActions = {
  readonly element: HTMLElement;
  /** Shows itself only while there is something to do. */
  draw(run: CellRun | null, devices: readonly PlaceDevice[], name: string): void;
};

export type AwayActionParts = {
  readonly document: Document;
  readonly t: Translate;
  readonly onCancel: () => void;
  /** On the device that the page comes from. */
  readonly onCopyHere: () => void;
  /** A person chooses the device, beside this element. */
  readonly onCopyElsewhere: (anchor: HTMLElement) => void;
  readonly onResize: () => void;
};

export function createAwayActions(parts: AwayActionParts): AwayActions {
  const { document, t } = parts;
  const element = document.createElement('div');
  element.className = 'mc-away';
  element.hidden = true;
  const add = (label: string, press: (button: HTMLButtonElement) => void): HTMLButtonElement => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = label;
    button.addEventListener('click', () => press(button));
    element.append(button);
    return button;
  };
  const what = document.createElement('p');
  what.className = 'mc-away-what';
  what.setAttribute('role', 'status');
  const say = (isSaid: boolean): void => {
    what.hidden = !isSaid;
    wait.setAttribute('aria-expanded', String(isSaid));
  };
  const wait = add(t('editor.away.wait'), () => {
    say(what.hidden !== false);
    parts.onResize();
  });
  const cancel = add(t('editor.away.cancel'), parts.onCancel);
  const here = add('', parts.onCopyHere);
  const elsewhere = add('', (button) => parts.onCopyElsewhere(button));
  element.append(what);
  say(false);

  return {
    element,
    draw(run, devices, name) {
      const isSilent = run !== null && isActive(run) && run.silentSince !== null;
      const isWaiting = run !== null && isActive(run) && run.waitsFor !== '';
      const isShown = isSilent || isWaiting;
      if (!isShown && !element.hidden) say(false);
      element.hidden = !isShown;
      if (run === null || !isShown) return;
      const device = (isSilent ? name : run.waitsFor) || t('editor.status.itsDevice');
      const words = t(isSilent ? 'editor.away.silent' : 'editor.away.waiting', { device });
      if (what.textContent !== words) what.textContent = words;
      cancel.disabled = run.cancelAsked;
      here.textContent = t(isSilent ? 'editor.away.copyHere' : 'editor.away.insteadHere');
      elsewhere.textContent = t(isSilent ? 'editor.away.copyElsewhere' : 'editor.away.insteadElsewhere');
      const others = devices.filter(({ id, name: other }) => id !== run.deviceId && other !== run.waitsFor);
      here.hidden = !others.some(({ isHere }) => isHere);
      elsewhere.hidden = !others.some(({ isHere }) => !isHere);
    },
  };
}
