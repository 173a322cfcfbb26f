/** The table of runtimes, each looked for on this machine. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Language } from '@markco/protocol';
import { RUNTIMES } from '../../runtimes/descriptor.ts';
import { listKernels } from '../../runtimes/jupyter/jupyter.ts';
import { NO_WISHES, type Detected, type RuntimeDescriptor } from '../../runtimes/runtime.ts';
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
/** Shorter than a program that is asked may take, so that one that took too long does not pass for one that is missing. */
const LOOK_MS = 9_000;

/**
 * Looked for once, and again beside its use: a run does not wait for interpreters of other languages. On a machine so
 * busy that one is not found in LOOK_MS it counts as missing, nobody waits for it again, and it is there once it is found.
 * @param table another one only in tests
 */
export function createRuntimeDetection(
  { env, folder, now }: RuntimeParts,
  table: readonly RuntimeDescriptor[] = RUNTIMES,
): () => Promise<readonly RuntimeHere[]> {
  const place = { env, projectFolder: folder, config: NO_WISHES };
  const kernels = keep(() => listKernels(place), { now, freshMs: FRESH_MS });
  const rows = table.map((row) => {
    const look = keep(() => row.detect(place, AbortSignal.timeout(LOOK_MS)), { now, freshMs: FRESH_MS });
    let isLate = false;
    return async (): Promise<RuntimeHere> => {
      const looking = look().then(
        (found) => {
          isLate = false;
          return found;
        },
        () => {
          isLate = true;
          return null;
        },
      );
      const found = await (isLate ? Promise.race([looking, nextTurn(null)]) : looking);
      return describe(row, found, await kernels());
    };
  });
  return () => Promise.all(rows.map((ask) => ask()));
}

function describe(
  { language, aliases, label }: RuntimeDescriptor,
  found: Detected | null,
  all: Awaited<ReturnType<typeof listKernels>>,
): RuntimeHere {
  const mine = all.filter((kernel) => kernel.language === language || aliases.includes(kernel.language));
  const kernels = mine.length === 0 ? {} : { kernels: mine.map(({ name, label: title }) => ({ name, label: title })) };
  if (found?.available === true) return { language, label, available: true, version: found.version, ...kernels };
  const hint = found?.hint ?? `This machine is so busy that ${label} was not found in time. It is still looked for.`;
  return { language, label, available: false, hint, ...kernels };
}
