/** The menu of an output: copy, clear, save, show as text. A disclosure, so that keys and screen readers know it. */
import type { Translate } from '../parts.ts';

export type OutputMenu = {
  readonly element: HTMLElement;
  /** `isText`: the output is seen as text, and the menu offers the way back. `hasRun`: a run is known whose output it is. */
  shows(facts: { readonly isText: boolean; readonly hasRun: boolean }): void;
};

export type OutputMenuParts = {
  readonly document: Document;
  readonly t: Translate;
  readonly textOf: () => string;
  /** Its first table as tab-separated text. */
  readonly tableOf: () => string | null;
  /** Shows the whole output on a page of its own. */
  readonly onWhole: () => void;
  readonly onClear: () => void;
  readonly onSource: () => void;
  readonly onCopied: () => void;
};

export function createOutputMenu({
  document,
  t,
  textOf,
  tableOf,
  onWhole,
  onClear,
  onSource,
  onCopied,
}: OutputMenuParts): OutputMenu {
  const element = document.createElement('details');
  element.className = 'mc-menu';
  const summary = document.createElement('summary');
  summary.textContent = '⋯';
  summary.setAttribute('aria-label', t('editor.output.menu'));
  const list = document.createElement('div');
  list.className = 'mc-menu-list';
  const add = (label: string, run: () => void): HTMLButtonElement => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = label;
    button.addEventListener('click', () => {
      element.open = false;
      run();
    });
    list.append(button);
    return button;
  };
  const whole = add(t('editor.output.whole'), onWhole);
  add(t('editor.output.copy'), () => {
    navigator.clipboard.writeText(textOf()).then(onCopied, () => undefined);
  });
  const table = add(t('editor.output.copyTable'), () => {
    navigator.clipboard.writeText(tableOf() ?? '').then(onCopied, () => undefined);
  });
  summary.addEventListener('click', () => {
    if (!element.open) table.hidden = tableOf() === null;
  });
  add(t('editor.output.save'), () => save(document, textOf()));
  const source = add(t('editor.output.source'), onSource);
  add(t('editor.output.clear'), onClear);
  element.append(summary, list);
  element.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !element.open) return;
    event.stopPropagation();
    element.open = false;
    summary.focus();
  });
  element.addEventListener('focusout', (event) => {
    if (!(event.relatedTarget instanceof Node) || !element.contains(event.relatedTarget)) element.open = false;
  });
  return {
    element,
    shows({ isText, hasRun }) {
      whole.hidden = !hasRun;
      source.textContent = t(isText ? 'editor.output.drawn' : 'editor.output.source');
    },
  };
}

function save(document: Document, text: string): void {
  const link = document.createElement('a');
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  link.href = url;
  link.download = 'output.txt';
  link.click();
  URL.revokeObjectURL(url);
}
