/**
 * Rows of the table of runtimes for which a Jupyter kernel or an attached server may stand in, or has to.
 *
 * 1. What a document asks for is a name, looked up among what this device has. It never is an address or a program.
 * 2. An unknown name is an error that lists the names there are: the built-in interpreter is no quiet substitute.
 */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Language, QuestionKind } from '@markco/protocol';
import { keeperCommand } from '../keeper/command.ts';
import { attachedExecutable, isAttached, readAttached, type Attached } from '../remote/attached.ts';
import { endServerSession } from '../remote/server-session.ts';
import type { Detected, RuntimeDescriptor, RuntimePlace } from '../runtime.ts';
import { inherited } from '../worker-process.ts';
import { findKernelspecs, isKernelspec, type Kernelspec } from './kernelspec.ts';

const ASK_TIMEOUT_MS = 5_000;
/** Programs that can be asked for their version; another might take the question for work. */
const ASKABLE = /^(?:R|julia|python)[\d.]*$/;

/** A kernel or an attached server, as a device lists what it has. */
export type KernelHere = {
  /** What a document writes as `kernel`. */
  readonly name: string;
  /** For people. */
  readonly label: string;
  readonly language: string;
};

/** The same row, except where a document or its project names a kernel. */
export function withKernels(row: RuntimeDescriptor): RuntimeDescriptor {
  return {
    ...row,
    async detect(place, signal) {
      const name = place.config.kernel;
      return name === null ? row.detect(place, signal) : detectNamed(name, row, place, signal);
    },
    command(session, executable, place) {
      if (place.config.kernel === null) return row.command(session, executable, place);
      return keeperCommand(isAttached(executable) ? 'remote' : 'jupyter', session, executable, place);
    },
    leave: ({ folder }, signal) => endServerSession(folder, signal),
  };
}

/** The same row, except where its interpreter is missing and there is a kernel of its language. */
export function orKernel(row: RuntimeDescriptor): RuntimeDescriptor {
  return {
    ...row,
    async detect(place, signal) {
      const own = await row.detect(place, signal);
      if (own.available || place.config.path !== null) return own;
      const spec = await firstOf(row.language, place);
      return spec === undefined ? own : detected(spec, place, signal);
    },
    command(session, executable, place) {
      if (!isKernelspec(executable)) return row.command(session, executable, place);
      return keeperCommand('jupyter', session, executable, place);
    },
  };
}

/** A language that only a kernel runs: the first kernelspec of that language, or the one that is named. */
export function kernelRow(row: {
  readonly language: Language;
  readonly aliases: readonly string[];
  readonly label: string;
  readonly answers: readonly QuestionKind[];
  /** How to get a kernel, in sentences. */
  readonly hint: string;
}): RuntimeDescriptor {
  const { hint, ...rest } = row;
  return withKernels({
    ...rest,
    async detect(place, signal) {
      const found = await firstOf(row.language, place);
      return found === undefined ? { available: false, hint } : detected(found, place, signal);
    },
    command: (session, executable, place) => keeperCommand('jupyter', session, executable, place),
  });
}

async function firstOf(language: Language, place: RuntimePlace): Promise<Kernelspec | undefined> {
  return (await findKernelspecs(place)).find((spec) => spec.language.toLowerCase() === language);
}

/** All kernels and attached servers; of a list of servers that cannot be used, nothing. */
export async function listKernels(place: RuntimePlace): Promise<readonly KernelHere[]> {
  const [specs, servers] = await Promise.all([findKernelspecs(place), attachedTo(place).catch(() => [])]);
  return [
    ...specs.map(({ name, label, language }) => ({ name, label, language: language.toLowerCase() })),
    ...servers.map(({ name, language, url }) => ({ name, label: `${name} at ${new URL(url).host}`, language })),
  ];
}

async function detectNamed(
  name: string,
  row: RuntimeDescriptor,
  place: RuntimePlace,
  signal: AbortSignal,
): Promise<Detected> {
  let servers: readonly Attached[];
  try {
    servers = await attachedTo(place);
  } catch (error) {
    return { available: false, hint: (error as Error).message };
  }
  const wanted = name.toLowerCase();
  const server = servers.find((each) => each.name.toLowerCase() === wanted);
  if (server !== undefined) return detectedServer(server, row, place);
  const specs = await findKernelspecs(place);
  const spec = specs.find((each) => each.name === wanted);
  if (spec !== undefined) return detected(spec, place, signal);
  const names = [...specs, ...servers].map((each) => each.name).toSorted();
  const known = names.length === 0 ? 'There is none here.' : `There are: ${names.join(', ')}.`;
  const change = 'Change `kernel` in the front matter or in mrmd.md, or leave it out.';
  return {
    available: false,
    hint: `This device has no kernel and no attached runtime called ${name.slice(0, 100)}. ${known} ${change}`,
  };
}

/** Nothing is asked of it before a session begins: a document must not be able to make us call it. */
function detectedServer({ name, language }: Attached, row: RuntimeDescriptor, place: RuntimePlace): Detected {
  if (language !== row.language && !row.aliases.includes(language)) {
    return { available: false, hint: `The attached runtime ${name} runs ${language}, not ${row.label}. Name another.` };
  }
  return { available: true, version: name, executable: attachedExecutable(homeOf(place) ?? '', name) };
}

async function attachedTo(place: RuntimePlace): Promise<readonly Attached[]> {
  const home = homeOf(place);
  return home === undefined ? [] : readAttached(home);
}

/** The state folder, which the device puts into what its rows may look at. */
function homeOf(place: RuntimePlace): string | undefined {
  return place.env['MARKCO_HOME'];
}

async function detected(spec: Kernelspec, place: RuntimePlace, signal: AbortSignal): Promise<Detected> {
  return { available: true, version: await versionOf(spec, place, signal), executable: spec.folder };
}

/** What the kernel's program says, else the kernel's title. */
async function versionOf(spec: Kernelspec, place: RuntimePlace, signal: AbortSignal): Promise<string> {
  const [program] = spec.argv;
  if (!ASKABLE.test(path.basename(program))) return spec.label;
  try {
    const { stdout } = await promisify(execFile)(program, ['--version'], {
      cwd: place.projectFolder,
      env: inherited(place.env),
      timeout: ASK_TIMEOUT_MS,
      signal,
    });
    return /\d+\.\d+(?:\.\d+)?/.exec(stdout)?.[0] ?? spec.label;
  } catch {
    signal.throwIfAborted();
    return spec.label;
  }
}
