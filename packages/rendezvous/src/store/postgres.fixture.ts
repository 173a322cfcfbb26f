/** For tests: a Postgres server of its own, as a program that can be stopped, resumed and killed. */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { freePort } from '@markco/replica/free-port.fixture';
import { Client } from 'pg';

const INSTALLED = '/usr/lib/postgresql';
const START_MS = 30_000;
/** A server that was never started, to be copied: making one takes longer than starting it. */
const KEPT = join(import.meta.dirname, '../../../../node_modules/.cache');

/** Where Debian puts the programs of the newest version there is. */
function binFolder(): string | undefined {
  if (!existsSync(INSTALLED)) return undefined;
  const [newest] = readdirSync(INSTALLED).toSorted((a, b) => Number(b) - Number(a));
  return newest === undefined ? undefined : join(INSTALLED, newest, 'bin');
}

/** Postgres does not run as root: then as the user that its package makes. */
function idsOf(user: string): { uid: number; gid: number } | undefined {
  try {
    const [uid, gid] = ['-u', '-g'].map((flag) =>
      Number(execFileSync('id', [flag, user], { stdio: ['ignore', 'pipe', 'ignore'] })),
    );
    return uid === undefined || gid === undefined ? undefined : { uid, gid };
  } catch {
    return undefined;
  }
}

const isRoot = process.getuid?.() === 0;
const runAs = isRoot ? idsOf('postgres') : undefined;

/** Why there can be none here, or undefined. */
export const NO_POSTGRES =
  binFolder() === undefined
    ? 'Postgres is not installed (Debian: postgresql)'
    : isRoot && runAs === undefined
      ? 'there is no user postgres to run it as'
      : undefined;

export type PostgresServer = {
  readonly url: string;
  /** A database of its own, empty. */
  database(): Promise<string>;
  /** What somebody reads who connects to a database. */
  rows<T>(url: string, query: string): Promise<readonly T[]>;
  /** A backup as `docs/operating.md` has it made, and a database of its own that was made from one. */
  backUp(url: string): string;
  restore(backup: string): Promise<string>;
  /** Everything in a database, as text. */
  dump(url: string): Buffer;
  signal(signal: NodeJS.Signals): void;
  start(): Promise<void>;
  /** kill -9 of all of it. */
  kill(): Promise<void>;
};

export async function startPostgres(): Promise<PostgresServer & AsyncDisposable> {
  const bin = binFolder() ?? '';
  // One that the other user reaches, too.
  const folder = mkdtempSync(join(runAs === undefined ? tmpdir() : '/tmp', 'markco-pg-'));
  if (runAs !== undefined) chownSync(folder, runAs.uid, runAs.gid);
  const data = join(folder, 'data');
  const as = { ...runAs, cwd: folder, env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', HOME: folder } };
  const made = join(KEPT, `postgres-${basename(dirname(bin))}`);
  if (existsSync(made)) copyFolder(made, data);
  else {
    execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'markco', '-A', 'trust', '-E', 'UTF8'], {
      ...as,
      stdio: 'ignore',
    });
    keep(data, made);
  }
  const port = await freePort();
  let child: ChildProcess | undefined;
  let databases = 0;
  const urlOf = (name: string): string => `postgres://markco@127.0.0.1:${port}/${name}`;

  async function rows<T>(url: string, query: string): Promise<readonly T[]> {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
    client.on('error', () => undefined);
    await client.connect();
    const answer = await client.query(query);
    await client.end();
    return answer.rows as readonly T[];
  }
  const query = (text: string): Promise<unknown> => rows(urlOf('postgres'), text);

  async function start(): Promise<void> {
    // It ends with this process, however that ends.
    const words = ['--pdeathsig', 'KILL', join(bin, 'postgres'), '-D', data, '-p', String(port), '-k', folder];
    for (const until = performance.now() + START_MS; ;) {
      // It refuses to start until the last child of one that was killed is gone.
      if (child === undefined || child.exitCode !== null)
        child = spawn('setpriv', [...words, '-c', 'listen_addresses=127.0.0.1'], { ...as, stdio: 'ignore' });
      try {
        return void (await query('SELECT 1'));
      } catch (cause) {
        if (performance.now() > until) throw cause;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  async function kill(): Promise<void> {
    const ending = child;
    child = undefined;
    if (ending?.pid === undefined || ending.exitCode !== null) return;
    const gone = once(ending, 'exit');
    // With its children, which would go on with the statement that they have: the first is their parent.
    signalAll(ending.pid, 'SIGKILL');
    await gone;
  }

  async function database(): Promise<string> {
    const name = `test_${++databases}`;
    await query(`CREATE DATABASE ${name}`);
    return urlOf(name);
  }

  await start();
  return {
    url: urlOf('postgres'),
    database,
    backUp(url) {
      const file = join(folder, `backup_${++databases}`);
      execFileSync(join(bin, 'pg_dump'), ['--format=custom', `--file=${file}`, url], as);
      return file;
    },
    dump: (url) => execFileSync(join(bin, 'pg_dump'), [url], { ...as, maxBuffer: 256 * 1024 * 1024 }),
    async restore(backup) {
      const url = await database();
      execFileSync(join(bin, 'pg_restore'), ['--exit-on-error', `--dbname=${url}`, backup], as);
      return url;
    },
    signal(name) {
      if (child?.pid !== undefined) signalAll(child.pid, name);
    },
    rows,
    start,
    kill,
    async [Symbol.asyncDispose]() {
      await kill();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Each connection has a process of its own, in a group of its own. */
function signalAll(server: number, name: NodeJS.Signals): void {
  const children = spawnSync('pgrep', ['-P', String(server)], { encoding: 'utf8' })
    .stdout.trim()
    .split('\n');
  for (const pid of [server, ...children.map(Number)].filter((each) => each > 0))
    try {
      process.kill(pid, name);
    } catch (error) {
      // That of a connection may have ended since it was listed.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
}

/** With its owner, who reads nothing outside of it. */
const copyFolder = (from: string, to: string): void => void execFileSync('cp', ['-a', from, to]);

/** Of several that make one at once the first is kept. */
function keep(folder: string, as: string): void {
  const copy = `${as}-${process.pid}`;
  mkdirSync(dirname(as), { recursive: true });
  copyFolder(folder, copy);
  try {
    renameSync(copy, as);
  } catch {
    rmSync(copy, { recursive: true, force: true });
  }
}
