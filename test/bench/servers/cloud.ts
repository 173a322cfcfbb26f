/**
 * MarkCo's cloud as an operator starts it, on a Postgres with the settings that Debian gives it: each commit is on disk.
 * A device brings it a project, and is off while something is measured.
 */
import { startCloud, type CloudProgram } from '../../conformance/cloud.fixture.ts';
import type { PostgresServer } from '@markco/rendezvous/store/postgres.fixture';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../wait.ts';
import { projectFolder, startDevice } from './markco.ts';
import type { Running, SyncServer } from './server.ts';

const BRING_LIMIT_MS = 600_000;
/** Asking for a list of thousands is work itself. */
const LOOK_MS = 250;

export type CloudRunning = Running & {
  readonly origin: string;
  readonly token: string;
  readonly projectId: string;
  readonly documentIds: readonly string[];
  /** How long the device took to bring them, from its login on. */
  readonly broughtMs: number;
};

type Project = { readonly id: string; readonly userId: string; readonly slug: string };
type Kept = {
  readonly program: CloudProgram & AsyncDisposable;
  readonly project: Project;
  readonly documentIds: readonly string[];
  readonly broughtMs: number;
};

export type CloudOptions = {
  readonly variables?: Readonly<Record<string, string>>;
  /** Texts of the project that the device brings. */
  readonly files?: readonly string[];
};

export type Clouds = Omit<SyncServer, 'start'> &
  AsyncDisposable & {
    /** Starts on what an earlier run left for `folder`, as it was started then. */
    start(folder: string, options?: CloudOptions): Promise<CloudRunning>;
    /** A further process of the cloud of this folder. */
    beside(folder: string): Promise<CloudRunning>;
  };

export function createClouds(postgres: PostgresServer): Clouds {
  const kept = new Map<string, Kept & { readonly variables: Readonly<Record<string, string>> }>();
  const all = new Set<CloudProgram & AsyncDisposable>();
  process.on('exit', () => {
    for (const { pid } of all) if (pid > 0) process.kill(pid, 'SIGKILL');
  });

  async function begin(...given: Parameters<typeof startCloud>): Promise<CloudProgram & AsyncDisposable> {
    const program = await startCloud(...given);
    all.add(program);
    return program;
  }

  return {
    name: 'MarkCo',
    async start(folder, { variables = {}, files = [] }: CloudOptions = {}) {
      const known = kept.get(folder);
      if (known !== undefined) {
        await known.program.start();
        return runningOf(known);
      }
      const given = { LOG_LEVEL: 'warn', DATABASE_URL: await postgres.database(), ...nodeOptions, ...variables };
      const program = await begin(given);
      const its = { program, variables: given, ...(await bring(program, folder, files)) };
      kept.set(folder, its);
      return runningOf(its);
    },
    async beside(folder) {
      const first = kept.get(folder);
      if (first === undefined) throw new Error('there is none yet');
      const { MARKCO_PORT: _, ...variables } = first.variables;
      return runningOf({ ...first, program: await begin(variables, first.program.token) });
    },
    async [Symbol.asyncDispose]() {
      // Whoever looks closer wants what is written at the end.
      if (nodeOptions.NODE_OPTIONS !== '') for (const program of all) await program.stop();
      for (const program of all) await program[Symbol.asyncDispose]();
      all.clear();
    },
  };
}

/** BENCH_NODE_ARGS: to look closer, as with `--cpu-prof --cpu-prof-dir=/tmp/prof`. */
const nodeOptions = { NODE_OPTIONS: process.env['BENCH_NODE_ARGS'] ?? '' };

function runningOf({ program, project, documentIds, broughtMs }: Kept): CloudRunning {
  const { origin, token, pid } = program;
  const { userId, slug, id } = project;
  return {
    ...{ pid, origin, token, projectId: id, documentIds, broughtMs },
    address: (document) => ({
      dialect: 'y-protocols',
      url: `${origin.replace('http', 'ws')}/sync/${userId}/${slug}/${document}?token=${token}`,
      name: document,
      token,
    }),
    stop: async () => void (await program.stop()),
    kill: () => program.kill(),
  };
}

/** A device logs in with a folder of these texts, and is stopped once the cloud has all of it. */
async function bring(
  program: CloudProgram,
  folder: string,
  files: readonly string[],
): Promise<Pick<Kept, 'project' | 'documentIds' | 'broughtMs'>> {
  const own = await mkdtemp(join(folder, 'device-'));
  await mkdir(projectFolder(own), { recursive: true });
  await Promise.all(files.map((text, at) => writeFile(join(projectFolder(own), `note-${at}.md`), text)));
  const device = await startDevice(own);
  try {
    const began = performance.now();
    const joined = await fetch(`${device.origin}/api/cloud`, {
      method: 'POST',
      headers: { authorization: `Bearer ${device.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ url: program.origin, token: program.token }),
    });
    if (!joined.ok) throw new Error(`the device could not log in: ${await joined.text()}`);
    const project = await eventually('the project in the cloud', BRING_LIMIT_MS, async () =>
      (await program.get<{ projects: Project[] }>('/api/projects')).json.projects.find(
        ({ id }) => id === device.projectId,
      ),
    );
    const documentIds = await eventually(
      'its documents there',
      BRING_LIMIT_MS,
      async () => {
        const { documents } = (
          await program.get<{ documents: { id: string }[] }>(`/api/projects/${project.id}/documents`)
        ).json;
        return documents.length === files.length ? documents.map(({ id }) => id) : undefined;
      },
      files.length === 0 ? undefined : LOOK_MS,
    );
    return { project, documentIds, broughtMs: performance.now() - began };
  } finally {
    await device.stop();
  }
}
