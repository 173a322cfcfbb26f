/** The notebook in a Markdown text: its cells and outputs, configuration, outline, links, order and published form. */
export { languageOf } from './cell-info.ts';
export type { CellOptions } from './cell-options.ts';
export * from './cells.ts';
export type { Fence } from './fence.ts';
export * from './parser.ts';
