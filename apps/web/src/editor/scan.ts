/**
 * What the document is made of, as the page needs it: cells with their outputs, blocks that are drawn
 * (tables, displayed math, diagrams), headings, and where reference links lead.
 *
 * One walk over the top of the syntax tree of the whole document. It is not done on a keystroke: positions are mapped through
 * each change, and the walk is done again when typing pauses, or at once when a change from elsewhere
 * brings or takes a fence, and before anything acts on a cell.
 */
import {
  StateEffect,
  StateField,
  type ChangeDesc,
  type EditorState,
  type Extension,
  type Text as Doc,
} from '@codemirror/state';
import { ViewPlugin, type EditorView, type ViewUpdate } from '@codemirror/view';
import { findCells, outlineOf, type Cell, type CellOptions, type Language, cellIdsAt } from '@markco/protocol';
import { ySyncAnnotation, ySyncFacet } from 'y-codemirror.next';
import type { Heading } from './parts.ts';
import type { RunnableCell } from './runs.ts';
import { mapTree, NO_TREE, parseFurther, type WholeTree } from './whole-tree.ts';

type Span = { readonly from: number; readonly to: number };

/** Positions are of now; what it says is as old as the last walk. */
export type CellSpan = Span & {
  /** Its `#| label:`, else the Yjs id of its fence's first character. */
  readonly id: string;
  readonly codeFrom: number;
  readonly codeTo: number;
  readonly language: Language;
  readonly closed: boolean;
  /** What runs. */
  readonly code: string;
  readonly options: CellOptions;
  readonly output: (Span & { readonly text: string }) | null;
};

/** What is asked for when a cell is run. */
export function runnableOf({ id, language, code, options: { on } }: CellSpan): RunnableCell {
  return { id, language, code, ...(on === null ? {} : { on }) };
}

export type DrawnBlock = Span & { readonly kind: 'table' | 'math' | 'diagram' };

export type Scan = {
  readonly cells: readonly CellSpan[];
  readonly drawn: readonly DrawnBlock[];
  readonly headings: readonly Heading[];
  /** Label, folded as CommonMark does → target. */
  readonly references: ReadonlyMap<string, string>;
  /** How far the walk reached. */
  readonly upTo: number;
  readonly whole: WholeTree;
  /** Changes were mapped since the walk. */
  readonly mapped: boolean;
  /** Counts walks, so that who draws knows when to draw again. */
  readonly version: number;
};

/** A walk that waits for the whole tree before the first paint may cost this; what is missing is found right after. */
const FIRST_PARSE_MS = 30;
const PARSE_SLICE_MS = 25;
const PAUSE_MS = 90;

const setScan = StateEffect.define<Scan>();

export const scanField = StateField.define<Scan>({
  create: (state) => walk(state, parseFurther(state.doc, NO_TREE, FIRST_PARSE_MS), 0),
  update(value, tr) {
    for (const effect of tr.effects) if (effect.is(setScan)) return effect.value;
    if (!tr.docChanged) return value;
    const mapped = mapScan(value, tr.changes);
    const foreign = tr.annotation(ySyncAnnotation) !== undefined;
    if (!foreign || !touchesFence(tr.startState.doc, tr.newDoc, tr.changes)) return mapped;
    return walk(tr.state, parseFurther(tr.newDoc, mapped.whole, FIRST_PARSE_MS), value.version + 1);
  },
});

/** The cells as they are now, parsed to the end: for whoever acts on them. */
export function scanNow(view: EditorView): Scan {
  const known = view.state.field(scanField);
  if (!known.mapped && known.upTo >= view.state.doc.length) return known;
  const whole = parseFurther(view.state.doc, known.whole, Number.POSITIVE_INFINITY);
  const scan = walk(view.state, whole, known.version + 1);
  view.dispatch({ effects: setScan.of(scan) });
  return scan;
}

/** Keeps the scan fresh and complete, in slices between keystrokes. */
export function scanning(onScan: (scan: Scan, view: EditorView) => void): Extension {
  return [
    scanField,
    ViewPlugin.define((view) => {
      let timer: ReturnType<typeof setTimeout> | null = null;
      let told = -1;
      const later = (ms: number): void => {
        timer ??= setTimeout(run, ms);
      };
      const restart = (): void => {
        if (timer !== null) clearTimeout(timer);
        timer = null;
        later(PAUSE_MS);
      };
      function run(): void {
        timer = null;
        const known = view.state.field(scanField);
        const isComplete = known.upTo >= view.state.doc.length;
        if (known.mapped || !isComplete) {
          const whole = parseFurther(view.state.doc, known.whole, PARSE_SLICE_MS);
          const isWhole = whole.upTo >= view.state.doc.length;
          const next = isWhole ? walk(view.state, whole, known.version + 1) : { ...known, whole };
          view.dispatch({ effects: setScan.of(next) });
          if (!isWhole) later(0);
        } else if (told !== known.version) {
          told = known.version;
          onScan(known, view);
        }
      }
      later(0);
      return {
        update(update: ViewUpdate) {
          if (update.docChanged) restart();
          else if (update.state.field(scanField).version !== told) later(0);
        },
        destroy() {
          if (timer !== null) clearTimeout(timer);
        },
      };
    }),
  ];
}

function walk(state: EditorState, whole: WholeTree, version: number): Scan {
  const { doc } = state;
  const { tree } = whole;
  const text = doc.toString();
  const drawn: DrawnBlock[] = [];
  const references = new Map<string, string>();
  tree.iterate({
    enter(node) {
      if (node.name === 'Table') drawn.push({ kind: 'table', from: node.from, to: node.to });
      else if (node.name === 'BlockMath') drawn.push({ kind: 'math', from: node.from, to: node.to });
      else if (node.name === 'FencedCode') {
        const info = node.node.getChild('CodeInfo');
        if (info !== null && text.slice(info.from, info.to).trim() === 'mermaid')
          drawn.push({ kind: 'diagram', from: node.from, to: node.to });
      } else if (node.name === 'LinkReference') {
        const label = node.node.getChild('LinkLabel');
        const url = node.node.getChild('URL');
        if (label !== null && url !== null)
          references.set(foldLabel(text.slice(label.from, label.to)), text.slice(url.from, url.to));
      }
      return node.type.isTop || node.type.is('Document') || CONTAINERS.has(node.name);
    },
  });
  return {
    cells: nameCells(state, findCells(text, tree)),
    drawn: drawn.filter((block) => startsLine(doc, block)),
    headings: outlineOf(text, tree).map(({ level, text: title, slug, from }) => ({ level, text: title, slug, from })),
    references,
    upTo: whole.upTo,
    whole,
    mapped: false,
    version,
  };
}

const CONTAINERS: ReadonlySet<string> = new Set([
  'Blockquote',
  'BulletList',
  'OrderedList',
  'ListItem',
  'FootnoteDefinition',
]);

/** A block is drawn in the place of whole lines. One that shares its first line with a list mark stays text. */
function startsLine(doc: Doc, block: Span): boolean {
  const line = doc.lineAt(block.from);
  return line.text.slice(0, block.from - line.from).trim() === '';
}

export function foldLabel(label: string): string {
  return label
    .replace(/^\[|\]$/g, '')
    .trim()
    .replace(/\s+/g, ' ')
    .toLowerCase();
}

/** Two cells of one label: the first has it. */
function nameCells(state: EditorState, cells: readonly Cell[]): CellSpan[] {
  const taken = new Set<string>();
  const ids = cellIdsAt(
    state.facet(ySyncFacet).ytext,
    cells.map((cell) => cell.from),
  );
  return cells.map(({ from, to, codeFrom, codeTo, language, closed, code, output, options }, index) => {
    const label = options.label ?? '';
    const id = label !== '' && !taken.has(label) ? label : (ids[index] ?? '');
    taken.add(id);
    return {
      id,
      from,
      to,
      codeFrom,
      codeTo,
      language,
      closed,
      code,
      options,
      output: output === null ? null : { from: output.from, to: output.to, text: output.text },
    };
  });
}

function mapScan(scan: Scan, changes: ChangeDesc): Scan {
  const span = <S extends Span>(value: S): S => ({
    ...value,
    from: changes.mapPos(value.from, 1),
    to: changes.mapPos(value.to, -1),
  });
  return {
    ...scan,
    cells: scan.cells
      .map((cell) => ({
        ...span(cell),
        codeFrom: changes.mapPos(cell.codeFrom, -1),
        codeTo: changes.mapPos(cell.codeTo, 1),
        output: cell.output === null ? null : span(cell.output),
      }))
      .filter((cell) => cell.from < cell.to),
    drawn: scan.drawn.map(span).filter((block) => block.from < block.to),
    upTo: changes.mapPos(scan.upTo),
    whole: mapTree(scan.whole, changes),
    mapped: true,
  };
}

function touchesFence(before: Doc, after: Doc, changes: ChangeDesc): boolean {
  let found = false;
  changes.iterChangedRanges((fromA, toA, fromB, toB) => {
    found ||= /```|~~~/.test(around(before, fromA, toA)) || /```|~~~/.test(around(after, fromB, toB));
  });
  return found;
}

function around(doc: Doc, from: number, to: number): string {
  return doc.sliceString(Math.max(0, from - 3), Math.min(doc.length, to + 3));
}
