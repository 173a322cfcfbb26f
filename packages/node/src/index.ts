/** A device of the mesh: documents, files, runs, and the page and API that people and programs reach them by. */
export { readConfig, type Config, type ConfigFlags } from './config.ts';
export { createNode } from './node.ts';
export type { Node, NodeParts } from './node-parts.ts';
export { RUNTIMES, runtimeFor } from './runtimes/descriptor.ts';
