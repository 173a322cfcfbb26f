/** JSON that opens level by level. A level draws its entries when it is opened, at most `ENTRIES_MAX` of them. */
const ENTRIES_MAX = 500;
const TEXT_CHARS_MAX = 10_000;

export function createJsonView(document: Document, value: unknown, open: boolean): HTMLElement {
  const root = document.createElement('div');
  root.className = 'mc-json';
  root.append(node(document, '', value, open));
  return root;
}

function node(document: Document, key: string, value: unknown, open: boolean): HTMLElement {
  const entries = entriesOf(value);
  if (entries === null) {
    const leaf = document.createElement('div');
    leaf.className = 'mc-json-leaf';
    leaf.append(...keyOf(document, key), typed(document, value));
    return leaf;
  }
  const details = document.createElement('details');
  const summary = document.createElement('summary');
  const [left, right] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  summary.append(...keyOf(document, key), `${left}${entries.length}${right}`);
  details.append(summary);
  const fill = (): void => {
    if (details.childElementCount > 1) return;
    for (const [name, entry] of entries.slice(0, ENTRIES_MAX)) details.append(node(document, name, entry, false));
    if (entries.length > ENTRIES_MAX) details.append(`… ${entries.length - ENTRIES_MAX}`);
  };
  details.addEventListener('toggle', () => {
    if (details.open) fill();
  });
  if (open) {
    details.open = true;
    fill();
  }
  return details;
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] | null {
  return typeof value === 'object' && value !== null ? Object.entries(value) : null;
}

function keyOf(document: Document, key: string): readonly Node[] {
  if (key === '') return [];
  const name = document.createElement('span');
  name.className = 'mc-json-key';
  name.textContent = `${key}: `;
  return [name];
}

function typed(document: Document, value: unknown): HTMLElement {
  const element = document.createElement('span');
  element.className = `mc-json-${value === null ? 'null' : typeof value}`;
  const text = JSON.stringify(value) ?? 'undefined';
  element.textContent = text.length > TEXT_CHARS_MAX ? `${text.slice(0, TEXT_CHARS_MAX)}…` : text;
  return element;
}
