/** What is offered under an error that says a package is missing: the command, a button that runs it, what it says. */
import { createItemView, type ItemParts, type ItemView } from '../output/item-views.ts';
import type { MissingPackage } from '../output/missing-package.ts';
import type { OutputItem } from '../output/run-output.ts';
import type { InstallRun } from '../runs.ts';

export type InstallOffer = { readonly element: HTMLElement; draw(run: InstallRun | null): void };

export type InstallParts = {
  readonly onInstall: (command: string) => void;
  readonly onRunAgain: () => void;
  readonly onCopied: () => void;
};

export function createInstallOffer(
  missing: MissingPackage,
  items: ItemParts,
  { onInstall, onRunAgain, onCopied }: InstallParts,
): InstallOffer {
  const { document, t } = items;
  const element = document.createElement('div');
  element.className = 'mc-install';
  const line = document.createElement('div');
  line.className = 'mc-install-line';
  const button = document.createElement('button');
  button.type = 'button';
  const command = document.createElement('code');
  command.textContent = missing.command;
  const words = document.createElement('span');
  words.setAttribute('role', 'status');
  const said = document.createElement('div');
  line.append(button, command, words);
  element.append(line, said);
  let step: 'offer' | 'installing' | 'installed' = 'offer';
  const views = new Map<OutputItem, ItemView>();

  button.addEventListener('click', () => {
    if (step === 'installed') onRunAgain();
    else if (missing.runsHere) onInstall(missing.command);
    else navigator.clipboard.writeText(missing.command).then(onCopied, () => undefined);
  });

  return {
    element,
    draw(run) {
      const ended = run !== null && run.state !== 'sending' && run.ended;
      step = run === null ? 'offer' : !ended ? 'installing' : run.state === 'completed' ? 'installed' : 'offer';
      button.disabled = step === 'installing';
      if (step === 'installed') button.textContent = t('editor.install.again');
      else if (step === 'installing') button.textContent = t('editor.install.running', { name: missing.name });
      else
        button.textContent = missing.runsHere
          ? t('editor.install.offer', { name: missing.name })
          : t('editor.install.copy');
      words.textContent =
        step === 'installed'
          ? t('editor.install.done')
          : run !== null && ended
            ? run.trouble || t('editor.install.failed')
            : missing.runsHere
              ? ''
              : t('editor.install.elsewhere');
      for (const item of run?.output.items ?? []) {
        const view = views.get(item) ?? createItemView(items, item);
        if (!views.has(item)) said.append(view.element);
        views.set(item, view);
        view.refresh();
      }
    },
  };
}
