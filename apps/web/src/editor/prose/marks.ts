/** Small things drawn in the place of markup. */
import { WidgetType, type EditorView } from '@codemirror/view';

export class Bullet extends WidgetType {
  static readonly dot = new Bullet('•');
  /** A task has its box instead. */
  static readonly none = new Bullet('');
  readonly sign: string;

  constructor(sign: string) {
    super();
    this.sign = sign;
  }

  override eq(other: Bullet): boolean {
    return other.sign === this.sign;
  }

  override toDOM(view: EditorView): HTMLElement {
    const element = view.dom.ownerDocument.createElement('span');
    element.className = 'mc-bullet';
    element.textContent = this.sign;
    return element;
  }
}

export class Rule extends WidgetType {
  static readonly only = new Rule();

  override eq(): boolean {
    return true;
  }

  override toDOM(view: EditorView): HTMLElement {
    const element = view.dom.ownerDocument.createElement('span');
    element.className = 'mc-rule';
    element.setAttribute('role', 'separator');
    return element;
  }
}

export class CalloutTitle extends WidgetType {
  readonly kind: string;

  constructor(kind: string) {
    super();
    this.kind = kind;
  }

  override eq(other: CalloutTitle): boolean {
    return other.kind === this.kind;
  }

  override toDOM(view: EditorView): HTMLElement {
    const element = view.dom.ownerDocument.createElement('span');
    element.className = 'mc-callout-title';
    element.textContent = this.kind;
    return element;
  }
}

/** The language of a block of code, where its fence is hidden. */
export class FenceLabel extends WidgetType {
  readonly label: string;

  constructor(info: string) {
    super();
    this.label = info.replace(/^\{+\.?([^},\s]*)[^}]*\}+/, '$1');
  }

  override eq(other: FenceLabel): boolean {
    return other.label === this.label;
  }

  override toDOM(view: EditorView): HTMLElement {
    const element = view.dom.ownerDocument.createElement('span');
    element.className = 'mc-fence-label';
    element.textContent = this.label;
    return element;
  }
}

/** Toggles the `[ ]` it stands for, wherever that has moved to. */
export class Checkbox extends WidgetType {
  readonly done: boolean;
  readonly label: string;

  constructor(done: boolean, label: string) {
    super();
    this.done = done;
    this.label = label;
  }

  override eq(other: Checkbox): boolean {
    return other.done === this.done && other.label === this.label;
  }

  override toDOM(view: EditorView): HTMLElement {
    const box = view.dom.ownerDocument.createElement('input');
    box.type = 'checkbox';
    box.className = 'mc-task';
    box.checked = this.done;
    box.setAttribute('aria-label', this.label);
    box.addEventListener('mousedown', (event) => event.preventDefault());
    box.addEventListener('click', (event) => {
      event.preventDefault();
      const at = view.posAtDOM(box);
      const marker = view.state.sliceDoc(at, at + 3);
      if (view.state.readOnly || !/^\[[ xX]\]$/.test(marker)) return;
      view.dispatch({
        changes: { from: at + 1, to: at + 2, insert: marker === '[ ]' ? 'x' : ' ' },
        userEvent: 'input.task',
      });
    });
    return box;
  }

  override ignoreEvent(): boolean {
    return true;
  }
}
