#!/usr/bin/env node
/** `markco`, on whatever Node is installed: sets the checkout up when needed and goes on with the pinned Node. */
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const flags = ['--where-typed', '--lean', ...(process.argv[2] === 'up' ? ['--page'] : [])];
process.argv.splice(2, 0, ...flags, here('../src/main.ts'));
await import('../../../setup/run.mjs');
