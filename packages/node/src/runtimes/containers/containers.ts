/** The containers of a device: one for each project, in which the sessions of that project work. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { userInfo } from 'node:os';
import { execPath, version } from 'node:process';
import { promisify } from 'node:util';
import { Failure, type ProjectId } from '@markco/protocol';
import type { Kill } from '../process-table.ts';
import type { RuntimeDescriptor } from '../runtime.ts';
import type { SessionRecord } from '../session-record.ts';
import type { Workplace } from '../workplace.ts';
import { containerPlace } from './container-place.ts';
import { createEngine } from './engine.ts';
import { EGRESS, ensureEgress, type Firewall } from './egress.ts';
import { GVISOR, hasGvisor } from './gvisor.ts';
import { holeIn } from './engine-version.ts';
import { readImage, runtimesOf, type ContainerImage } from './image.ts';
import type { ContainerLimits } from './plan.ts';
import { createProjectContainer, type ProjectContainer } from './project-container.ts';

/** This program, which containers read: their workers are parts of it. */
const ROOT = fileURLToPath(new URL('../../../../../', import.meta.url));
const PROGRAM = ['packages', 'node_modules'].map((name) => path.join(ROOT, name));
/** Nobody on this machine: whom the files of a device that runs as root are given to. */
const FIREWALL_MS = 10_000;
const NOBODY = { uid: 61_000, gid: 61_000 };

export type ContainerSettings = {
  /** Docker's. */
  readonly socket: string;
  readonly limits: ContainerLimits;
  /** An engine with a known hole will not do. */
  readonly strict: boolean;
  /** Null for none. */
  readonly network: 'internet' | null;
};

export type ContainersParts = ContainerSettings & {
  /** The state folder of the device; it exists. */
  readonly home: string;
  readonly kill: Kill;
  /** That of the machine on which Docker is. */
  readonly firewall?: Firewall;
};

export type Containers = {
  readonly runtimes: readonly RuntimeDescriptor[];
  place(of: {
    readonly record: SessionRecord;
    readonly descriptor: RuntimeDescriptor;
    projectFolder(): Promise<string>;
  }): Workplace;
  warm(project: ProjectId, projectFolder: string, signal: AbortSignal): Promise<void>;
  /** Ends those that no session is in. */
  close(): Promise<void>;
};

/** Waits for whoever else changes the rules. */
const iptables: Firewall = (args) => promisify(execFile)('iptables', ['-w', ...args], { timeout: FIREWALL_MS });

/** Docker may come, go and be replaced meanwhile: it is asked each time that a session begins. */
export function createContainers(parts: ContainersParts): Containers {
  const engine = createEngine(parts.socket);
  const node = { executable: execPath, version: version.slice(1) };

  /** `not_ready`, `unsupported`, `runtime_missing`: why there are no containers now, as a sentence. */
  async function image(signal: AbortSignal): Promise<ContainerImage> {
    const { id, runtimes } = await readImage(engine, signal);
    return { id, runtimes: { ...runtimes, js: node } };
  }

  /** gVisor where it is there, which a hole of `runc` does not matter to. */
  async function runtime(signal: AbortSignal): Promise<string | null> {
    const hole = holeIn(await engine.version(signal));
    if (await hasGvisor(engine, signal)) return GVISOR;
    if (hole !== null && parts.strict) throw new Failure('unsupported', hole);
    return null;
  }

  const { uid, gid } = userInfo();
  const gives = uid === 0;
  const user = gives ? NOBODY : { uid, gid };
  const owner = createHash('sha256').update(parts.home).digest('hex').slice(0, 12);
  const program = PROGRAM.some((folder) => execPath.startsWith(folder + path.sep)) ? PROGRAM : [...PROGRAM, execPath];
  const all = new Map<ProjectId, ProjectContainer>();

  function containerOf(project: ProjectId): ProjectContainer {
    const known = all.get(project);
    if (known !== undefined) return known;
    const made = createProjectContainer({
      ...{ engine, owner, gives },
      name: `markco-${owner}-${project}`,
      folder: path.join(parts.home, 'containers', project),
      wish: { user, limits: parts.limits, program, network: parts.network === null ? 'none' : EGRESS },
      ready: async (signal) => ({ runtime: await runtime(signal), image: (await image(signal)).id }),
      network: (signal) =>
        parts.network === null ? Promise.resolve() : ensureEgress(engine, parts.firewall ?? iptables, signal),
    });
    all.set(project, made);
    return made;
  }

  return {
    runtimes: runtimesOf(async (signal) => {
      await runtime(signal);
      return image(signal);
    }),
    place: ({ record, descriptor, projectFolder }) =>
      containerPlace(record, {
        ...{ engine, user, descriptor, projectFolder, limits: parts.limits, kill: parts.kill },
        container: containerOf(record.projectId),
      }),
    warm: (project, projectFolder, within) => containerOf(project).warm(projectFolder, within),
    close: async () => void (await Promise.allSettled([...all.values()].map((container) => container.endUnused()))),
  };
}
