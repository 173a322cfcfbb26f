/** The languages a session can run, as a table: one row a language, nothing about a language anywhere else. */
import { bashRuntime } from './bash/bash.ts';
import { orKernel, withKernels } from './jupyter/jupyter.ts';
import { javascriptRuntime } from './javascript/javascript.ts';
import { juliaRuntime } from './jupyter/julia.ts';
import { pythonRuntime } from './python/python.ts';
import { rRuntime } from './r/r.ts';
import type { RuntimeDescriptor } from './runtime.ts';

export const RUNTIMES: readonly RuntimeDescriptor[] = [
  ...[pythonRuntime, bashRuntime, javascriptRuntime, orKernel(rRuntime)].map(withKernels),
  juliaRuntime,
];

/** The row for a language or one of its aliases, in any case. */
export function runtimeFor(name: string): RuntimeDescriptor | undefined {
  const wanted = name.toLowerCase();
  return RUNTIMES.find((row) => row.language === wanted || row.aliases.includes(wanted));
}
