/** Pictures, formulas, diagrams and tables drawn from their source. What is large to load is loaded on first use. */
import { WidgetType, type EditorView } from '@codemirror/view';
import type { EditorParts, Translate } from '../parts.ts';
import { drawMath } from './draw-math.ts';
import { renderMarkdownInto } from './render.ts';
import { isOwnFile } from './safe-target.ts';

export type ProseWidgets = {
  readonly t: Translate;
  image(path: string, alt: string): WidgetType;
  math(tex: string, display: boolean): WidgetType;
  diagram(source: string): WidgetType;
  table(source: string): WidgetType;
};

type Shared = {
  readonly t: Translate;
  readonly urlOf: (path: string) => string;
  readonly openLink: (target: string) => void;
  readonly onWritten: (listener: (url: string) => void) => () => void;
  /** Height in pixels of what was drawn, by source, so that scrolling past it does not jump. */
  readonly heights: Map<string, number>;
};

/** Heights remembered. Beyond it the oldest is forgotten: only a scroll bar is less exact then. */
const HEIGHTS_MAX = 2_000;

export function createProseWidgets(parts: Pick<EditorParts, 't' | 'files' | 'links'>): ProseWidgets {
  const shared: Shared = {
    t: parts.t,
    urlOf: (path) => parts.files.urlOf(path),
    openLink: (target) => parts.links.open(target),
    onWritten: (listener) => parts.files.onWritten(listener),
    heights: new Map(),
  };
  return {
    t: parts.t,
    image: (path, alt) => new ImageWidget(shared, path, alt),
    math: (tex, display) => new MathWidget(shared, tex, display),
    diagram: (source) => new DiagramWidget(shared, source),
    table: (source) => new TableWidget(shared, source),
  };
}

abstract class SourceWidget extends WidgetType {
  readonly shared: Shared;
  readonly source: string;
  abstract readonly kind: string;

  constructor(shared: Shared, source: string) {
    super();
    this.shared = shared;
    this.source = source;
  }

  get key(): string {
    return `${this.kind}:${this.source}`;
  }

  override eq(other: SourceWidget): boolean {
    return other.key === this.key;
  }

  override get estimatedHeight(): number {
    return this.shared.heights.get(this.key) ?? -1;
  }

  /** To be called when what was drawn has its size. */
  settled(view: EditorView, element: HTMLElement): void {
    view.requestMeasure({
      key: element,
      read: () => element.offsetHeight,
      write: (height) => {
        if (!(typeof height === 'number' && height > 0)) return;
        this.shared.heights.delete(this.key);
        this.shared.heights.set(this.key, height);
        const oldest = this.shared.heights.keys().next();
        if (this.shared.heights.size > HEIGHTS_MAX && oldest.done !== true) this.shared.heights.delete(oldest.value);
      },
    });
  }
}

/** How a picture that is shown stops listening. */
const stops = new WeakMap<HTMLElement, () => void>();

class ImageWidget extends SourceWidget {
  readonly kind = 'image';
  readonly alt: string;

  constructor(shared: Shared, path: string, alt: string) {
    super(shared, path);
    this.alt = alt;
  }

  override get key(): string {
    return `image:${this.source}:${this.alt}`;
  }

  override toDOM(view: EditorView): HTMLElement {
    const frame = view.dom.ownerDocument.createElement('span');
    frame.className = 'mc-image';
    const url = this.shared.urlOf(this.source);
    let written = 0;
    this.draw(view, frame, url);
    const stop = this.shared.onWritten((other) => {
      if (other === url) this.draw(view, frame, `${url}?written=${++written}`);
    });
    stops.set(frame, stop);
    return frame;
  }

  override destroy(frame: HTMLElement): void {
    stops.get(frame)?.();
  }

  /** A picture that is there already stays until the next one has come. */
  draw(view: EditorView, frame: HTMLElement, url: string): void {
    const { ownerDocument } = view.dom;
    frame.dataset['from'] = url;
    const isLatest = (): boolean => frame.dataset['from'] === url;
    const image = ownerDocument.createElement('img');
    image.alt = this.alt;
    image.decoding = 'async';
    image.draggable = false;
    const height = this.shared.heights.get(this.key);
    if (height !== undefined) frame.style.minHeight = `${height}px`;
    image.addEventListener('load', () => {
      if (!isLatest()) return;
      frame.style.minHeight = '';
      frame.classList.remove('mc-image-failed');
      frame.replaceChildren(image);
      this.settled(view, frame);
    });
    const fail = (key: 'editor.image.failed' | 'editor.image.foreign'): void => {
      frame.style.minHeight = '';
      frame.textContent = this.shared.t(key, { path: this.source });
      frame.classList.add('mc-image-failed');
      view.requestMeasure();
    };
    if (!isOwnFile(this.source)) {
      fail('editor.image.foreign');
      return;
    }
    image.addEventListener('error', () => isLatest() && fail('editor.image.failed'));
    image.src = url;
    if (frame.childNodes.length === 0) frame.append(image);
  }

  override ignoreEvent(): boolean {
    return false;
  }
}

class MathWidget extends SourceWidget {
  readonly kind = 'math';
  readonly display: boolean;

  constructor(shared: Shared, tex: string, display: boolean) {
    super(shared, tex);
    this.display = display;
  }

  override get key(): string {
    return `math:${this.display}:${this.source}`;
  }

  override toDOM(view: EditorView): HTMLElement {
    const element = view.dom.ownerDocument.createElement(this.display ? 'div' : 'span');
    element.className = this.display ? 'mc-math mc-math-display' : 'mc-math';
    element.textContent = this.source;
    drawMath(element, this.source, this.display, this.shared.t).then(
      () => this.settled(view, element),
      () => undefined,
    );
    return element;
  }

  override ignoreEvent(): boolean {
    return false;
  }
}

class DiagramWidget extends SourceWidget {
  readonly kind = 'diagram';

  override toDOM(view: EditorView): HTMLElement {
    const element = view.dom.ownerDocument.createElement('div');
    element.className = 'mc-diagram';
    element.textContent = this.shared.t('editor.diagram.waiting');
    import('./mermaid.ts')
      .then(({ renderDiagram }) => renderDiagram(element, this.source))
      .catch((error: unknown) => {
        element.classList.add('mc-drawing-error');
        element.textContent = this.shared.t('editor.diagram.error', {
          message: error instanceof Error ? error.message : String(error),
        });
      })
      .finally(() => this.settled(view, element));
    return element;
  }

  override ignoreEvent(): boolean {
    return false;
  }
}

class TableWidget extends SourceWidget {
  readonly kind = 'table';

  override toDOM(view: EditorView): HTMLElement {
    const element = view.dom.ownerDocument.createElement('div');
    element.className = 'mc-table';
    renderMarkdownInto(element, this.source, this.shared);
    element.addEventListener('mousedown', (event) => {
      if (event.button !== 0 || (event.target instanceof Element && event.target.closest('a') !== null)) return;
      event.preventDefault();
      const row = event.target instanceof Element ? event.target.closest('tr') : null;
      const index = row === null ? 0 : [...element.querySelectorAll('tr')].indexOf(row);
      const first = view.state.doc.lineAt(view.posAtDOM(element)).number;
      const line = view.state.doc.line(Math.min(view.state.doc.lines, first + (index > 0 ? index + 1 : 0)));
      view.dispatch({ selection: { anchor: line.to } });
      view.focus();
    });
    this.settled(view, element);
    return element;
  }
}
