/** For tests: the command line as a person has it, with a device that answers what the test says. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test as base } from 'vitest';
import type { Cli, Ran } from './cli.ts';
import { runProgram } from './program.ts';

/** A command line with a state folder of its own, and a device that answers with what `answers` says. */
export type Desk = {
  readonly home: string;
  readonly answers: Map<string, unknown>;
  readonly asked: { readonly request: string; readonly body: unknown; readonly token: string | null }[];
  readonly programs: Map<string, Ran>;
  readonly env: Record<string, string>;
  /** Whether somebody looks at what is printed. */
  isTerminal: boolean;
  /** Ctrl-C. */
  readonly stop: AbortController;
  device(): Promise<void>;
  markco(...words: string[]): Promise<{ code: number; out: string; err: string }>;
};

export const test = base.extend<{ desk: Desk }>({
  desk: async ({}, use) => {
    const home = await mkdtemp(join(tmpdir(), 'markco-cli-'));
    const answers = new Map<string, unknown>([
      ['GET /stats', {}],
      ['GET /api/projects-elsewhere', { projects: [] }],
      ['GET /api/devices', { devices: [] }],
    ]);
    const asked: Desk['asked'] = [];
    const programs = new Map<string, Ran>();
    const env: Record<string, string> = { MARKCO_HOME: home, MARKCO_PORT: '0' };
    const answer: typeof fetch = async (input, init) => {
      const url = new URL(String(input));
      const request = `${init?.method ?? 'GET'} ${url.pathname}${url.search}`;
      const body: unknown = typeof init?.body === 'string' ? JSON.parse(init.body) : null;
      asked.push({ request, body, token: new Headers(init?.headers).get('authorization') });
      const found = answers.get(request);
      init?.signal?.throwIfAborted();
      if (found === undefined)
        return Response.json({ error: { code: 'not_found', message: `Nothing at ${request}.` } }, { status: 404 });
      return Response.json(found);
    };
    const desk: Desk = {
      home,
      answers,
      asked,
      programs,
      env,
      isTerminal: false,
      stop: new AbortController(),
      async device() {
        await writeFile(join(home, 'device.json'), '{"port":7717,"pid":812}');
        await writeFile(join(home, 'api-token'), 'secret\n');
      },
      async markco(...words) {
        let out = '';
        let err = '';
        const cli: Cli = {
          env,
          cwd: home,
          platform: 'linux',
          nodeVersion: '24.1.0',
          pid: 1,
          out: { write: (text) => (out += text), isTerminal: desk.isTerminal },
          err: { write: (text) => (err += text), isTerminal: false },
          input: { isTerminal: false, readLine: () => Promise.resolve(null) },
          signal: desk.stop.signal,
          now: () => Date.parse('2026-11-21T10:00:00.000Z'),
          randomBytes: (length) => new Uint8Array(length),
          fetch: answer,
          exec: async (file) => programs.get(file) ?? Promise.reject(new Error(`no ${file}`)),
          showFile: () => expect.unreachable('nothing is shown where there is no terminal'),
          kill: () => {},
          residentBytes: () => 0,
          machineName: 'laptop',
          pageFolder: '/page',
          sampleProject: '/sample',
        };
        const code = await runProgram(cli, words, '0.1.0');
        return { code, out, err };
      },
    };
    await use(desk);
    await rm(home, { recursive: true, force: true });
  },
});

/** Of `GET /api/device`. */
export const deviceAnswer = {
  device: {
    id: '019a8f3c-0000-7000-8000-00000000000b',
    userId: '019a8f3c-0000-7000-8000-00000000000a',
    kind: 'desktop',
    name: 'laptop',
    lastSeenAt: '2026-11-21T08:00:00.000Z',
    status: 'online',
    createdAt: '2026-11-21T08:00:00.000Z',
  },
  user: {
    id: '019a8f3c-0000-7000-8000-00000000000a',
    email: 'user@localhost',
    plan: 'free',
    createdAt: '2026-11-21T08:00:00.000Z',
  },
  version: '0.1.0',
  runtimes: [{ language: 'python', label: 'Python', available: true, version: '3.11.7' }],
  home: '/home/me/.local/share/markco',
};
