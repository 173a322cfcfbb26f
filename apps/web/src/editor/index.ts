/** The editor of documents: `createEditorPool` for a page that shows one of several. */
export { editorMessages, type EditorMessageKey } from './messages.ts';
export type {
  CellPlace,
  Completion,
  EditorCommand,
  EditorHandle,
  EditorParts,
  Heading,
  LiveCode,
  LiveSession,
  PlaceAsk,
  PlaceDevice,
  Translate,
} from './parts.ts';
export { createEditorPool, type EditorPool, type PooledEditor } from './pool.ts';
export { createRunsView, type CellRun, type RunnableCell, type RunsParts, type RunsView } from './runs.ts';
