/** Looks for an interpreter on this machine: where the project says, then along PATH, the first that is new enough. */
import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Detected, RuntimePlace } from './runtime.ts';
import { inherited } from './worker-process.ts';

const ASK_TIMEOUT_MS = 10_000;

export type Wanted = {
  /** What people call it. */
  readonly label: string;
  readonly names: readonly string[];
  /** What makes it print its version. */
  readonly args: readonly string[];
  readonly version: RegExp;
  /** The oldest major version that will do. */
  readonly oldest: number;
  readonly howToGet: string;
  /** Used when no other is found. */
  readonly fallback?: string;
};

export async function findProgram(wanted: Wanted, place: RuntimePlace, signal: AbortSignal): Promise<Detected> {
  const { label, oldest, howToGet } = wanted;
  let tooOld: string | null = null;
  for (const executable of candidates(wanted, place)) {
    if (!(await isExecutable(executable))) continue;
    const version = await askVersion(executable, wanted, place, signal);
    if (version === null) continue;
    if (Number.parseInt(version, 10) >= oldest) return { available: true, version, executable };
    tooOld ??= `${executable} is ${label} ${version}; MarkCo needs ${oldest} or newer.`;
  }
  const { path: wish } = place.config;
  const problem =
    wish === null
      ? `No ${label} was found on this machine.`
      : `${wish}, which the project names as its ${label}, is not there or does not run.`;
  return { available: false, hint: `${tooOld ?? problem} ${howToGet}` };
}

/** A project that names one means it: no other is used instead. */
function candidates({ names, fallback }: Wanted, { env, projectFolder, config }: RuntimePlace): readonly string[] {
  if (config.path !== null) return [path.resolve(projectFolder, config.path)];
  const folders = (env['PATH'] ?? '').split(path.delimiter).filter((folder) => path.isAbsolute(folder));
  const found = names.flatMap((name) => folders.map((folder) => path.join(folder, name)));
  return fallback === undefined ? found : [...found, fallback];
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function askVersion(
  executable: string,
  { args, version }: Wanted,
  { env, projectFolder }: RuntimePlace,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)(executable, [...args], {
      cwd: projectFolder,
      env: inherited(env),
      timeout: ASK_TIMEOUT_MS,
      signal,
    });
    return version.exec(stdout)?.[1] ?? null;
  } catch {
    signal.throwIfAborted();
    return null;
  }
}
