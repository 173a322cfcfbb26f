/**
 * The foot of one cell: its status line, its output, and the line a program waits for. It lives as long as the
 * cell has a run or an output, and is moved, not made again, when the document around it changes, so nothing
 * in it jumps: not when an edit remaps it, not when its output becomes text of the document.
 */
import { itemsOfFence } from '@markco/protocol/output/fence-items';
import { fenceMatches } from '../output/fence-matches.ts';
import { createItemView, type ItemParts, type ItemView } from '../output/item-views.ts';
import { missingPackage } from '../output/missing-package.ts';
import type { OutputItem, Question, RunOutput } from '../output/run-output.ts';
import { tableText } from '../output/table-text.ts';
import type { PlaceDevice, Translate } from '../parts.ts';
import { isActive, type CellRun } from '../runs.ts';
import { createAwayActions, type AwayActionParts } from './away-actions.ts';
import { createInstallOffer, type InstallOffer, type InstallParts } from './install.ts';
import { createOutputMenu, type OutputMenu } from './output-menu.ts';
import { statusLine, type Where } from './status.ts';

export type FootParts = {
  readonly document: Document;
  readonly t: Translate;
  readonly locale: string;
  readonly now: () => number;
  readonly urlOf: (path: string) => string;
  readonly openLink: (target: string) => void;
  readonly onResize: () => void;
  /** Whether it arrived. Why it did not is told elsewhere. */
  readonly onAnswer: (text: string) => Promise<boolean>;
  readonly install: InstallParts;
  readonly away: Pick<AwayActionParts, 'onCancel' | 'onCopyHere' | 'onCopyElsewhere'>;
  readonly menu: {
    readonly onWhole: () => void;
    readonly onClear: () => void;
    readonly onSource: () => void;
    readonly onCopied: () => void;
  };
};

export type FootFacts = {
  readonly run: CellRun | null;
  readonly devices: readonly PlaceDevice[];
  readonly language: string;
  /** The text of the `output` fence, or null without one. */
  readonly fence: string | null;
  readonly isText: boolean;
  /** What is wrong with its `#|` options, a sentence each. */
  readonly problems: readonly string[];
  /** The code is not what was run. */
  readonly isStale: boolean;
};

export type Foot = {
  readonly element: HTMLElement;
  /** Draws what differs from the last call. */
  draw(facts: FootFacts): void;
  /** The clock of a running cell. */
  tick(): void;
};

export function createFoot(parts: FootParts): Foot {
  const { document, t } = parts;
  const div = (name: string): HTMLElement => {
    const made = document.createElement('div');
    made.className = name;
    return made;
  };
  const element = div('mc-foot');
  const status = div('mc-status');
  const statusText = document.createElement('span');
  statusText.className = 'mc-status-text';
  const stale = document.createElement('span');
  stale.className = 'mc-stale';
  stale.textContent = t('editor.status.stale');
  stale.title = t('editor.status.stale.title');
  const output = div('mc-output');
  output.setAttribute('role', 'group');
  output.setAttribute('aria-label', t('editor.output.label'));
  const trouble = div('mc-trouble');
  const earlier = div('mc-stream-earlier');
  earlier.hidden = true;
  const progress = document.createElement('progress');
  const progressText = document.createElement('span');
  const progressLine = div('mc-progress');
  progressLine.append(progress, progressText);
  const menu: OutputMenu = createOutputMenu({
    ...parts.menu,
    document,
    t,
    textOf: () => textOf(shown),
    tableOf: () => tableOf(shown),
  });
  const problems = div('mc-problems');
  const away = createAwayActions({ ...parts.away, document, t, onResize: parts.onResize });
  status.append(statusText, stale, menu.element);
  element.append(problems, status, away.element, trouble, earlier, output);

  let facts: FootFacts = {
    ...{ run: null, devices: [], language: '', fence: null },
    ...{ isText: false, problems: [], isStale: false },
  };
  let shown: readonly OutputItem[] = [];
  let fenceText: string | null = null;
  let fenceItems: readonly OutputItem[] = [];
  let question: Question | null = null;
  let form: QuestionForm | null = null;
  const views = new Map<OutputItem, ItemView>();
  let offer: { readonly item: OutputItem; readonly shown: InstallOffer | null } | null = null;

  const itemParts: ItemParts = {
    document,
    t,
    locale: parts.locale,
    urlOf: parts.urlOf,
    openLink: parts.openLink,
    onResize: parts.onResize,
    onWhole: parts.menu.onWhole,
  };

  function itemsToShow(): { items: readonly OutputItem[]; live: RunOutput | null } {
    const live = facts.run?.output ?? null;
    if (facts.isText) return { items: [], live: null };
    if (facts.fence !== fenceText) {
      fenceText = facts.fence;
      fenceItems = facts.fence === null ? [] : itemsOfFence(facts.fence);
    }
    const useLive =
      live !== null &&
      facts.run !== null &&
      (isActive(facts.run) || facts.fence === null || fenceMatches(facts.fence, live.items));
    return useLive ? { items: live.items, live } : { items: fenceItems, live: null };
  }

  function drawOutput(): void {
    const { items, live } = itemsToShow();
    for (const [item, view] of views) {
      if (items.includes(item)) continue;
      view.element.remove();
      views.delete(item);
    }
    let before: Element | null = null;
    for (const item of items) {
      let view = views.get(item);
      if (view === undefined) {
        view = createItemView(itemParts, item);
        views.set(item, view);
        if (before === null) output.prepend(view.element);
        else before.after(view.element);
      }
      view.refresh();
      before = view.element;
    }
    shown = items;
    earlier.hidden = (live?.earlierItems ?? 0) === 0;
    earlier.textContent = earlier.hidden ? '' : `… ${t('editor.output.items', { count: live?.earlierItems ?? 0 })}`;
    drawInstall(items);
    drawProgress(live);
    drawQuestion(live?.question ?? null);
    output.hidden = output.childElementCount === 0;
    menu.element.hidden = items.length === 0 && !facts.isText && facts.run === null;
    menu.shows({ isText: facts.isText, hasRun: facts.run !== null && facts.run.state !== 'sending' });
  }

  /** Under the error that ended the run. */
  function drawInstall(items: readonly OutputItem[]): void {
    const { run, language } = facts;
    const error = run === null || isActive(run) ? undefined : items.findLast((item) => item.kind === 'error');
    if (error === undefined || run === null) {
      offer?.shown?.element.remove();
      offer = null;
      return;
    }
    if (offer?.item !== error) {
      offer?.shown?.element.remove();
      const missing = missingPackage(language, error.type, error.message);
      offer = { item: error, shown: missing === null ? null : createInstallOffer(missing, itemParts, parts.install) };
    }
    if (offer.shown === null) return;
    if (!offer.shown.element.isConnected) views.get(error)?.element.after(offer.shown.element);
    offer.shown.draw(run.install);
  }

  function drawProgress(live: RunOutput | null): void {
    const told = live?.progress ?? null;
    if (told === null) return progressLine.remove();
    if (told.fraction === null) progress.removeAttribute('value');
    else progress.value = told.fraction;
    progressText.textContent = told.message;
    progress.setAttribute(
      'aria-label',
      told.message === '' ? t('editor.status.running', { time: '' }).trim() : told.message,
    );
    if (!progressLine.isConnected) output.append(progressLine);
  }

  function drawQuestion(asked: Question | null): void {
    if (asked === question) return;
    question = asked;
    form?.element.remove();
    form = null;
    if (asked === null) return;
    form = questionForm(document, t, asked, (text) => void answer(asked, text));
    output.append(form.element);
  }

  /** What was typed is asked for again when it did not arrive: the program still waits for it. */
  async function answer(asked: Question, text: string): Promise<void> {
    form?.element.remove();
    if ((await parts.onAnswer(text)) || question !== asked || form === null) return;
    output.append(form.element);
    output.hidden = false;
    form.focus();
    parts.onResize();
  }

  function drawStatus(): void {
    const { run, devices } = facts;
    const where = run === null ? NOWHERE : whereOf(run, devices);
    away.draw(run, devices, where.name);
    statusText.hidden = run === null;
    status.hidden = run === null && shown.length === 0;
    stale.hidden = !facts.isStale;
    problems.textContent = facts.problems.join('\n');
    problems.hidden = facts.problems.length === 0;
    trouble.hidden = run === null || run.trouble === '' || shown.some((item) => item.kind === 'error');
    if (run === null) return;
    if (!trouble.hidden) trouble.textContent = run.trouble;
    const { tone, icon, parts: words } = statusLine(run, parts.now(), t, parts.locale, where);
    statusText.title = run.why;
    statusText.dataset['tone'] = tone;
    const text = `${icon} ${words.join(' · ')}`;
    if (statusText.textContent !== text) statusText.textContent = text;
  }

  return {
    element,
    draw(next) {
      facts = next;
      drawOutput();
      drawStatus();
    },
    tick: drawStatus,
  };
}

const NOWHERE: Where = { name: '', awaySince: null };

/** Of a run that waits, the device that it waits for. */
function whereOf({ waitsFor, deviceId }: CellRun, devices: readonly PlaceDevice[]): Where {
  const device = devices.find(({ id, name }) => (waitsFor === '' ? id === deviceId : name === waitsFor));
  return device === undefined || device.isHere ? NOWHERE : device;
}

type QuestionForm = {
  readonly element: HTMLElement;
  /** Unless the person is somewhere outside the document. */
  readonly focus: () => void;
};

function questionForm(
  document: Document,
  t: Translate,
  asked: Question,
  onAnswer: (text: string) => void,
): QuestionForm {
  const form = document.createElement('form');
  form.className = 'mc-question';
  const label = document.createElement('label');
  const prompt = document.createElement('span');
  prompt.textContent = asked.prompt;
  const input = document.createElement('input');
  input.type = asked.password ? 'password' : 'text';
  input.autocomplete = 'off';
  input.spellcheck = false;
  input.setAttribute('autocapitalize', 'off');
  input.setAttribute('aria-label', asked.prompt === '' ? t('editor.input.label') : asked.prompt);
  const send = document.createElement('button');
  send.type = 'submit';
  send.textContent = t('editor.input.send');
  label.append(prompt, input);
  form.append(label, send);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    onAnswer(input.value);
  });
  const focus = (): void => {
    if (document.activeElement === document.body || document.activeElement?.closest('.mc-editor') !== null)
      input.focus({ preventScroll: true });
  };
  queueMicrotask(focus);
  return { element: form, focus };
}

function tableOf(items: readonly OutputItem[]): string | null {
  for (const item of items) {
    const html = item.kind === 'display' || item.kind === 'result' ? item.data['text/html'] : undefined;
    const table = typeof html === 'string' ? tableText(html) : null;
    if (table !== null) return table;
  }
  return null;
}

/** What "copy" takes: text as shown, pictures as Markdown. */
function textOf(items: readonly OutputItem[]): string {
  return items
    .map((item) => {
      if (item.kind === 'stream') return item.terminal.text();
      if (item.kind === 'error')
        return item.traceback.length > 0 ? item.traceback.join('\n') : `${item.type}: ${item.message}`;
      if (item.kind === 'picture') return `![${item.alt}](${item.path})`;
      if (item.kind === 'link') return `${item.before}[${item.label}](${item.path})`;
      const plain = item.data['text/plain'];
      return typeof plain === 'string' ? plain : JSON.stringify(item.data['application/json'] ?? '');
    })
    .map((text) => text.replace(/\x1b\[[0-9;:]*m/g, ''))
    .join('\n');
}
