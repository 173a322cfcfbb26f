/** The notebook in a Markdown text: its cells and outputs, configuration, outline, links, order and published form. */
export { languageOf } from './cell-info.ts';
export type { CellOptions } from './cell-options.ts';
export * from './cells.ts';
export { type NotebookConfig, readConfig, readConfigBlocks, type SessionConfig } from './config.ts';
export * from './edit.ts';
export type { Fence } from './fence.ts';
export { type FrontMatter, readFrontMatter } from './front-matter.ts';
export * from './links.ts';
export * from './navigation.ts';
export * from './order.ts';
export { type Heading, outlineOf, slugOf } from './outline.ts';
export * from './output.ts';
export * from './parser.ts';
export * from './render-html.ts';
export { resolveAddress, resolveWikiTarget } from './resolve-link.ts';
export * from './rewrite-links.ts';
export * from './title.ts';
export type { YamlMap, YamlValue } from './yaml.ts';
