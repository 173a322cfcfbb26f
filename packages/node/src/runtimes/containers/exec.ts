/** A program that is started in a container: its first output, its end, and what it complained of. */
import type { Duplex } from 'node:stream';
import * as z from 'zod/mini';
import type { Engine } from './engine.ts';

const HEADER_BYTES = 8;
const STDERR = 2;
const SAID_CHARS_MAX = 8_000;
const ASK_MS = 5_000;

export type ExecOptions = {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
};

export type Exec = {
  /** Resolves with true once it has printed something, false when it ended before that. */
  readonly ready: Promise<boolean>;
  /** Its process id on this machine: 0 when the engine has none yet. */
  pid(): Promise<number>;
  /** How it ended: `exit code 3`, `signal SIGKILL`; null when the engine no longer knows. */
  readonly ended: Promise<string | null>;
  /** What it wrote to stderr, the end of it. */
  said(): string;
  /** Listens no longer; it goes on. */
  leave(): void;
};

const CreatedSchema = z.object({ Id: z.string() });
const InspectedSchema = z.object({ Running: z.boolean(), ExitCode: z.nullable(z.int()), Pid: z.int() });

export async function startExec(
  engine: Engine,
  container: string,
  { argv, env, cwd }: ExecOptions,
  signal: AbortSignal,
): Promise<Exec> {
  const made = await engine.call('POST', `/containers/${container}/exec`, signal, {
    AttachStdout: true,
    AttachStderr: true,
    Cmd: argv,
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    WorkingDir: cwd,
  });
  const { Id: id } = CreatedSchema.parse(made);
  const inspect = async () =>
    InspectedSchema.parse(await engine.call('GET', `/exec/${id}/json`, AbortSignal.timeout(ASK_MS)));
  const stream = await engine.open(`/exec/${id}/start`, { Detach: false, Tty: false }, signal);
  const ready = Promise.withResolvers<boolean>();
  const ended = Promise.withResolvers<string | null>();
  let said = '';
  readFrames(stream, (from, bytes) => {
    if (from === STDERR) said = (said + bytes.toString('utf8')).slice(-SAID_CHARS_MAX);
    else ready.resolve(true);
  });
  stream.on('error', () => undefined); // Its end says the same.
  stream.once('close', () => {
    ready.resolve(false);
    inspect().then(
      ({ ExitCode: code }) => ended.resolve(code === null ? null : endOf(code)),
      () => ended.resolve(null),
    );
  });
  return {
    ready: ready.promise,
    pid: async () => (await inspect()).Pid,
    ended: ended.promise,
    said: () => said.trim(),
    leave: () => (stream as { unref?: () => void }).unref?.(),
  };
}

/** Above 128 it is the signal that ended it. */
function endOf(code: number): string {
  const names: Readonly<Record<number, string>> = {
    130: 'SIGINT',
    134: 'SIGABRT',
    137: 'SIGKILL',
    139: 'SIGSEGV',
    143: 'SIGTERM',
  };
  return names[code] === undefined ? `exit code ${code}` : `signal ${names[code]}`;
}

/** Both streams come through one: eight bytes say which, and how much follows. */
function readFrames(stream: Duplex, onBytes: (from: number, bytes: Buffer) => void): void {
  let waiting: Buffer = Buffer.alloc(0);
  let from = 0;
  let left = 0;
  stream.on('data', (chunk: Buffer) => {
    waiting = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk]);
    for (;;) {
      if (left === 0) {
        if (waiting.length < HEADER_BYTES) return;
        from = waiting.readUInt8(0);
        left = waiting.readUInt32BE(4);
        waiting = waiting.subarray(HEADER_BYTES);
      }
      const part = waiting.subarray(0, left);
      if (part.length > 0) onBytes(from, part);
      left -= part.length;
      waiting = waiting.subarray(part.length);
      if (left > 0) return;
    }
  });
}
