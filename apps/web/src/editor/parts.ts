/** What the editor is given, and what it gives back. */
import type { EditorView } from '@codemirror/view';
import type { OpenDocument } from '@markco/client/client';
import type { Answer, DeviceId, DocumentId, Language, ProjectId, RunId } from '@markco/protocol';
import type { UndoHistory } from './decision.ts';
import type { EditorMessageKey } from './messages.ts';
import type { RunsView } from './runs.ts';

export type Translate = (key: EditorMessageKey, params?: Readonly<Record<string, string | number>>) => string;

export type Heading = { readonly level: number; readonly text: string; readonly slug: string; readonly from: number };

export type Completion = {
  /** What is shown. */
  readonly label: string;
  /** What is written between `[[` and `]]`. */
  readonly insert: string;
};

/** Code of one cell, and where in it. */
export type LiveCode = { readonly code: string; readonly cursor: number };

/** Whose session a cell is about: that of its language, on the device that its `#| on:` names. */
export type CellPlace = { readonly language: Language; readonly on: string | null };

/** What the interpreter of a cell knows while it is alive. `null`: nobody answers; nothing is started. */
export type LiveSession = {
  isLive(cell: CellPlace): boolean;
  complete(cell: CellPlace, at: LiveCode, signal: AbortSignal): Promise<Answer<'complete'> | null>;
  inspect(cell: CellPlace, at: LiveCode, signal: AbortSignal): Promise<Answer<'inspect'> | null>;
};

/** A device of the user, as far as the page knows it. */
export type PlaceDevice = {
  readonly id: DeviceId;
  readonly name: string;
  /** The one that the page comes from. */
  readonly isHere: boolean;
  /** Unix milliseconds; null while it is there. */
  readonly awaySince: number | null;
};

/** A person is asked where something shall run. */
export type PlaceAsk = {
  /** A cell, now; a run again, as a run of its own. */
  readonly what: 'run' | 'copy';
  /** What was pressed: the answer is asked for beside it. */
  readonly beside: DOMRect;
  readonly wanted: {
    readonly projectId: ProjectId;
    readonly documentId?: DocumentId;
    readonly language: string;
    readonly code: string;
  };
  readonly pick: (deviceId: DeviceId) => void;
  /** Where it would go, once that is known. */
  readonly learn?: (deviceId: DeviceId) => void;
  /** Gives the focus back, where what was pressed is gone. */
  readonly refocus?: () => void;
  /** What the cell itself says; absent where no cell can be changed. */
  readonly keep?: {
    readonly on: string | null;
    readonly set: (name: string | null) => void;
  };
};

export type Places = {
  /** Empty until they are known. */
  devices(): readonly PlaceDevice[];
  /** Calls when they are other ones, or one came or went. Answers how to stop. */
  subscribe(listener: () => void): () => void;
  choose(ask: PlaceAsk): void;
};

export type EditorParts = {
  readonly parent: HTMLElement;
  readonly open: OpenDocument;
  readonly runs: RunsView;
  readonly files: {
    /** Where the bytes of a file of the project are, for `<img>`. The path is as written in the document. */
    urlOf(relativePath: string): string;
    /** Calls when the file at a URL of `urlOf` was written anew, or appeared. Answers how to stop. */
    onWritten(listener: (url: string) => void): () => void;
    /** Keeps a picture and answers the path to write into the document. */
    savePastedImage(blob: Blob, name: string): Promise<string>;
  };
  readonly links: {
    /** `target` as written: a path, a URL, `#heading`, or `[[page#heading]]` without its brackets. */
    open(target: string): void;
    complete(query: string): Promise<readonly Completion[]>;
  };
  readonly live: LiveSession;
  readonly places: Places;
  /** Shows the whole output of a run. */
  readonly openRun: (runId: RunId) => void;
  readonly t: Translate;
  /** For `Intl`: `en`, `fr`. */
  readonly locale: string;
  readonly now: () => number;
  /** Said to screen readers, politely. */
  readonly announce: (text: string) => void;
  /** A short message with nothing to do about it. */
  readonly notify: (text: string) => void;
  /** Asks before something that cannot be undone. */
  readonly confirm: (question: string) => Promise<boolean>;
  readonly onOutline: (headings: readonly Heading[]) => void;
  readonly onSave: () => void;
  /** Offset of the cursor, and the selection's length. */
  readonly onCursor?: (offset: number, selected: number) => void;
  readonly readOnly?: boolean;
  /** Absent: cells can be run from here. */
  readonly offersRuns?: boolean;
};

export type EditorCommand = {
  readonly id: string;
  readonly title: EditorMessageKey;
  /** As CodeMirror writes keys: `Mod-Enter`. Empty when it has none; `i i` is of a cell that is selected as a whole. */
  readonly key: string;
  readonly run: () => void;
};

export type EditorHandle = {
  readonly view: EditorView;
  readonly commands: readonly EditorCommand[];
  /** What undo takes back in it. */
  readonly history: UndoHistory;
  focus(): void;
  /** Runs the cell at the cursor and keeps its output in view. */
  runCell(): void;
  runAll(): void;
  runAbove(): void;
  runBelow(): void;
  interrupt(): void;
  /** Where the document's cells run, each place once, that of the cell at the cursor first. */
  places(): readonly CellPlace[];
  /** Puts the cursor at a UTF-16 offset and brings it into view. */
  goTo(offset: number): void;
  find(): void;
  destroy(): void;
};
