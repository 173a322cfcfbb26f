/** A device of the mesh: documents, files, runs, and the page and API that people and programs reach them by. */
export { readConfig, type Config, type ConfigFlags } from './config.ts';
export { createNode, type Node, type NodeParts } from './node.ts';
export { RUNTIMES, runtimeFor } from './runtimes/descriptor.ts';
