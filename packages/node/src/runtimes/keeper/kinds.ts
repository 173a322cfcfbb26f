/** The kinds of interpreters that a keeper can keep, each loaded only by the keeper that needs it. */
import type { StartInterpreter } from './interpreter.ts';

const KINDS: Readonly<Record<string, () => Promise<StartInterpreter>>> = {
  bash: async () => (await import('../bash/interpreter.ts')).startBash,
  javascript: async () => (await import('../javascript/interpreter.ts')).startJavaScript,
  jupyter: async () => (await import('../jupyter/kernel.ts')).startJupyterKernel,
  r: async () => (await import('../r/interpreter.ts')).startR,
  remote: async () => (await import('../remote/remote.ts')).startRemote,
};

export async function loadKind(name: string): Promise<StartInterpreter> {
  const load = Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
  if (load === undefined) throw new Error(`No keeper knows the kind ${name}.`);
  return load();
}
