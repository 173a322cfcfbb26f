/** What a command is given instead of `process`: streams, folders, environment, clock and the wish to stop. */
export type Output = {
  write(text: string): void;
  readonly isTerminal: boolean;
};

export type Input = {
  readonly isTerminal: boolean;
  /** One line, or null at the end of the input. On a terminal the prompt is shown, and a hidden answer is not. */
  readLine(prompt: string, hidden: boolean, signal: AbortSignal): Promise<string | null>;
};

export type Ran = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

export type Cli = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly platform: string;
  readonly nodeVersion: string;
  readonly pid: number;
  readonly out: Output;
  readonly err: Output;
  readonly input: Input;
  /** Aborted by the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  /** Unix milliseconds. */
  now(): number;
  randomBytes(length: number): Uint8Array;
  readonly fetch: typeof fetch;
  /** Runs a program to its end. Rejects when there is no such program. */
  exec(file: string, args: readonly string[], signal: AbortSignal): Promise<Ran>;
  /** Opens a file with the program the desktop has for it; says nothing when there is none. */
  showFile(path: string): void;
  /** Sends a signal to a process of this user. */
  kill(pid: number, signal: NodeJS.Signals | 0): void;
  /** Resident memory of this process in bytes. */
  residentBytes(): number;
  /** What people call this machine. */
  readonly machineName: string;
  /** The folder of the built page. */
  readonly pageFolder: string;
  /** The project a person gets who names none. */
  readonly sampleProject: string;
};

/** 0: done. 1: it could not be done. Others: what a program that was run ended with. Wrong usage is decided before. */
export type ExitCode = number;
