/** The table of runtimes, each looked for on this machine. */
import type { Language } from '@markco/protocol';
import { RUNTIMES } from '../../runtimes/descriptor.ts';
import { listKernels } from '../../runtimes/jupyter/jupyter.ts';
import { NO_WISHES } from '../../runtimes/runtime.ts';
import { keep } from './kept.ts';

export type RuntimeHere = {
  readonly language: Language;
  readonly label: string;
  readonly available: boolean;
  readonly version?: string;
  readonly hint?: string;
  /** The Jupyter kernels and attached servers that run this language, when there are any. */
  readonly kernels?: { readonly name: string; readonly label: string }[];
};

export type RuntimeParts = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
  readonly now: () => number;
};

const FRESH_MS = 60_000;
const ASK_TIMEOUT_MS = 10_000;

/** Looked for once, and again beside its use: a run does not wait for interpreters of other languages. */
export function createRuntimeDetection({ env, folder, now }: RuntimeParts): () => Promise<readonly RuntimeHere[]> {
  return keep(() => detectRuntimes(env, folder), { now, freshMs: FRESH_MS });
}

async function detectRuntimes(env: RuntimeParts['env'], folder: string): Promise<readonly RuntimeHere[]> {
  const signal = AbortSignal.timeout(ASK_TIMEOUT_MS);
  const place = { env, projectFolder: folder, config: NO_WISHES };
  const all = await listKernels(place);
  return Promise.all(
    RUNTIMES.map(async ({ language, aliases, label, detect }) => {
      const found = await detect(place, signal);
      const mine = all.filter((kernel) => kernel.language === language || aliases.includes(kernel.language));
      const kernels =
        mine.length === 0 ? {} : { kernels: mine.map(({ name, label: title }) => ({ name, label: title })) };
      return found.available
        ? { language, label, available: true, version: found.version, ...kernels }
        : { language, label, available: false, hint: found.hint, ...kernels };
    }),
  );
}
