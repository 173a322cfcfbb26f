/**
 * The feet of all cells of one editor, and when they are drawn: at most once a frame, and less often while
 * output pours in faster than it can be drawn, so that typing goes on.
 */
import { Facet, type EditorState, type Extension } from '@codemirror/state';
import { EditorView, ViewPlugin, WidgetType } from '@codemirror/view';
import { feetChanged, type FootWidgets } from '../blocks.ts';
import type { Question } from '../output/run-output.ts';
import type { EditorParts } from '../parts.ts';
import { isActive, type CellRun } from '../runs.ts';
import { runnableOf, scanField, scanNow, type CellSpan } from '../scan.ts';
import { createFoot, type Foot } from './foot.ts';

/** Drawing may take this part of the time: one fifth. */
const REST_RATIO = 4;
const FENCE_CHARS_MAX = 1_000_000;
/** Pictures of a run that has ended may still be loading. */
const FOLLOW_AFTER_MS = 2_000;

export type Feet = FootWidgets & {
  readonly extension: Extension;
  /** Shows the output of a cell as the text it is, or drawn again. */
  toggleText(cellId: string): void;
  clear(cellId: string): void;
  /** Keeps the output of a run that was just asked for in view, as it grows, until the person looks elsewhere. */
  follow(cellId: string): void;
};

type Entry = { readonly foot: Foot; height: number };

/** Cells whose run has not ended, for whoever draws ▶ or ■. */
export const activeCells = Facet.define<() => ReadonlySet<string>, () => ReadonlySet<string>>({
  combine: (values) => values[0] ?? (() => new Set()),
});

export function createFeet(
  parts: Pick<
    EditorParts,
    'runs' | 't' | 'locale' | 'now' | 'files' | 'links' | 'openRun' | 'announce' | 'notify' | 'places' | 'open'
  >,
): Feet {
  const { runs, t } = parts;
  const entries = new Map<string, Entry>();
  const asText = new Set<string>();
  const dirty = new Set<string>();
  /** What was said of the runs of cells, so that it is said once. */
  const saidAway = new Map<string, string>();
  let view: EditorView | null = null;
  let frame: number | null = null;
  let restUntil = 0;
  let lastAsked: Question | null = null;
  let active: ReadonlySet<string> = new Set(runs.active());
  let followed: { readonly cellId: string; until: number } | null = null;

  const cellOf = (state: EditorState, cellId: string): CellSpan | undefined =>
    state.field(scanField).cells.find((cell) => cell.id === cellId);

  function entryOf(cellId: string, host: EditorView): Entry {
    const known = entries.get(cellId);
    if (known !== undefined) return known;
    const foot = createFoot({
      document: host.dom.ownerDocument,
      t,
      locale: parts.locale,
      now: parts.now,
      urlOf: (path) => parts.files.urlOf(path),
      openLink: (target) => parts.links.open(target),
      onResize() {
        host.requestMeasure();
        if (followed?.cellId === cellId) showFollowed();
      },
      onAnswer: (text) => runs.answer(cellId, text),
      install: {
        onInstall: (command) => runs.install(cellId, command),
        onRunAgain() {
          scanNow(host);
          const cell = cellOf(host.state, cellId);
          if (cell !== undefined) runs.submit(runnableOf(cell));
        },
        onCopied: () => parts.notify(t('editor.output.copied')),
      },
      away: {
        onCancel: () => runs.cancel(cellId),
        onCopyHere() {
          const here = parts.places.devices().find(({ isHere }) => isHere);
          if (here !== undefined) runs.copy(cellId, here.id);
        },
        onCopyElsewhere: (anchor) => chooseCopy(cellId, anchor),
      },
      menu: {
        onWhole() {
          const run = runs.stateOf(cellId);
          if (run !== null) parts.openRun(run.id);
        },
        onClear: () => clear(cellId),
        onSource: () => toggleText(cellId),
        onCopied: () => parts.notify(t('editor.output.copied')),
      },
    });
    const entry = { foot, height: -1 };
    entries.set(cellId, entry);
    return entry;
  }

  function chooseCopy(cellId: string, anchor: HTMLElement): void {
    const run = runs.stateOf(cellId);
    const cell = view === null ? undefined : cellOf(view.state, cellId);
    if (run === null || cell === undefined) return;
    const { projectId, documentId } = parts.open;
    parts.places.choose({
      what: 'copy',
      beside: anchor.getBoundingClientRect(),
      wanted: { projectId, documentId, language: cell.language, code: run.code },
      pick: (deviceId) => runs.copy(cellId, deviceId),
      refocus: () => view?.focus(),
    });
  }

  function draw(cellId: string, state: EditorState): void {
    const entry = entries.get(cellId);
    if (entry === undefined) return;
    const cell = cellOf(state, cellId);
    const run = runs.stateOf(cellId);
    const output = cell?.output ?? null;
    entry.foot.draw({
      run,
      devices: parts.places.devices(),
      language: cell?.language ?? '',
      fence: output === null ? null : output.text.slice(0, FENCE_CHARS_MAX),
      isText: asText.has(cellId),
      problems: cell?.options.problems ?? [],
      isStale: run !== null && !isActive(run) && cell !== undefined && cell.code.trimEnd() !== run.code.trimEnd(),
    });
    if (run !== null && run.output === null && output !== null && entry.foot.element.isConnected) runs.replay(cellId);
  }

  function flush(): void {
    frame = null;
    if (view === null) return;
    const start = performance.now();
    if (start < restUntil) return schedule();
    for (const cellId of dirty) draw(cellId, view.state);
    const isFollowed = followed !== null && dirty.has(followed.cellId);
    dirty.clear();
    if (isFollowed) showFollowed();
    restUntil = performance.now() + (performance.now() - start) * REST_RATIO;
    view.requestMeasure({
      key: entries,
      read: () => {
        for (const entry of entries.values())
          if (entry.foot.element.isConnected) entry.height = entry.foot.element.offsetHeight;
      },
    });
  }

  function schedule(): void {
    frame ??= requestAnimationFrame(flush);
  }

  function onRun(cellId: string): void {
    if (view === null) return;
    const run = runs.stateOf(cellId);
    const wasActive = active.has(cellId);
    const nowActive = run !== null && isActive(run);
    if (wasActive !== nowActive) active = new Set(runs.active());
    if (wasActive && !nowActive && run !== null) {
      if (followed?.cellId === cellId) followed.until = performance.now() + FOLLOW_AFTER_MS;
      if (run.state === 'completed') parts.announce(t('editor.status.announce.done'));
      else if (run.state === 'failed')
        parts.announce(t('editor.status.announce.failed', { error: run.errorType || run.trouble }));
    }
    if (run !== null) announceAway(cellId, run);
    const asked = run?.output?.question ?? null;
    if (asked !== null && asked !== lastAsked)
      parts.announce(t('editor.status.announce.asks', { prompt: asked.prompt }));
    lastAsked = asked ?? lastAsked;
    if (wasActive !== nowActive || !entries.has(cellId)) view.dispatch({ effects: feetChanged.of(null) });
    dirty.add(cellId);
    schedule();
  }

  function announceAway(cellId: string, run: CellRun): void {
    const how = !isActive(run) ? '' : run.silentSince !== null ? 'silent' : run.waitsFor === '' ? '' : 'waits';
    if ((saidAway.get(cellId) ?? '') === how) return;
    saidAway.set(cellId, how);
    const name = parts.places.devices().find(({ id }) => id === run.deviceId)?.name ?? t('editor.status.itsDevice');
    if (how === 'waits') parts.announce(t('editor.status.announce.waits', { device: run.waitsFor }));
    if (how === 'silent') parts.announce(t('editor.status.announce.silent', { device: name }));
  }

  function showFollowed(): void {
    if (followed === null) return;
    if (performance.now() > followed.until) followed = null;
    // One that is higher than the page shows its beginning.
    else entries.get(followed.cellId)?.foot.element.scrollIntoView({ block: 'nearest' });
  }

  function follow(cellId: string): void {
    const cell = view === null ? undefined : cellOf(view.state, cellId);
    if (view === null || cell === undefined) return;
    followed = { cellId, until: Number.POSITIVE_INFINITY };
    view.dispatch({ effects: EditorView.scrollIntoView(cell.to) });
  }

  const unfollow = (): void => {
    followed = null;
  };

  function toggleText(cellId: string): void {
    if (!asText.delete(cellId)) asText.add(cellId);
    dirty.add(cellId);
    view?.dispatch({ effects: feetChanged.of(null) });
    schedule();
  }

  function clear(cellId: string): void {
    if (view === null) return;
    scanNow(view);
    const cell = cellOf(view.state, cellId);
    runs.forget(cellId);
    asText.delete(cellId);
    const output = cell?.output ?? null;
    if (cell !== undefined && output !== null && !view.state.readOnly) {
      view.dispatch({
        changes: { from: view.state.doc.lineAt(cell.to).to, to: output.to },
        userEvent: 'delete.output',
      });
      scanNow(view);
    }
    view.dispatch({ effects: feetChanged.of(null) });
    // The menu that was pressed is gone with the output; undo is a key of the text.
    view.focus();
  }

  class FootWidget extends WidgetType {
    readonly cellId: string;

    constructor(cellId: string) {
      super();
      this.cellId = cellId;
    }

    override eq(other: FootWidget): boolean {
      return other.cellId === this.cellId;
    }

    override get estimatedHeight(): number {
      return entries.get(this.cellId)?.height ?? -1;
    }

    override toDOM(host: EditorView): HTMLElement {
      const frameElement = host.dom.ownerDocument.createElement('div');
      frameElement.className = 'mc-foot-frame';
      const { foot } = entryOf(this.cellId, host);
      const { activeElement } = host.dom.ownerDocument;
      frameElement.append(foot.element);
      // Who is inside it, typing an answer, is so afterwards too: what is moved loses the focus.
      if (activeElement instanceof HTMLElement && foot.element.contains(activeElement))
        queueMicrotask(() => activeElement.focus({ preventScroll: true }));
      draw(this.cellId, host.state);
      dirty.add(this.cellId);
      schedule();
      return frameElement;
    }

    override ignoreEvent(): boolean {
      return true;
    }
  }

  const plugin = ViewPlugin.define((host) => {
    view = host;
    // Events of an output are none of the editor's, so these are heard around it.
    for (const looksElsewhere of ['wheel', 'touchmove', 'mousedown', 'keydown'])
      host.dom.addEventListener(looksElsewhere, unfollow, { capture: true, passive: true });
    let version = host.state.field(scanField).version;
    const stop = runs.subscribe(onRun);
    const stopPlaces = parts.places.subscribe(() => {
      for (const cellId of active) dirty.add(cellId);
      schedule();
    });
    const ticker = setInterval(() => {
      if (host.dom.ownerDocument.hidden) return;
      for (const cellId of active) {
        const entry = entries.get(cellId);
        if (entry?.foot.element.isConnected === true) entry.foot.tick();
      }
    }, 1_000);
    return {
      update(update) {
        const scan = update.state.field(scanField);
        if (scan.version === version) return;
        version = scan.version;
        const alive = new Set(scan.cells.map((cell) => cell.id));
        for (const cellId of entries.keys()) {
          if (alive.has(cellId)) dirty.add(cellId);
          else if (scan.upTo >= update.state.doc.length && !active.has(cellId)) entries.delete(cellId);
        }
        schedule();
      },
      destroy() {
        stop();
        stopPlaces();
        clearInterval(ticker);
        if (frame !== null) cancelAnimationFrame(frame);
        view = null;
      },
    };
  });

  return {
    extension: [plugin, activeCells.of(() => active)],
    widgetOf: (cell) =>
      cell.output !== null || runs.stateOf(cell.id) !== null || cell.options.problems.length > 0
        ? new FootWidget(cell.id)
        : null,
    isText: (cell) => asText.has(cell.id),
    toggleText,
    clear,
    follow,
  };
}
