/**
 * What a keeper keeps: one interpreter of any kind, driven by the few things a session needs.
 *
 * A keeper (`keeper.ts`) is the worker of a session for interpreters that cannot write their own spool: a Node program
 * in a process session of its own, which speaks the protocol of `../worker-link.ts`, writes the run's events to disk
 * and drives the interpreter through this interface. It outlives the device's program as every worker does.
 */
import type { QuestionKind, RunEvent, RunId, SessionConfig } from '@markco/protocol';

type PayloadOf<T extends RunEvent['type']> = Extract<RunEvent, { type: T }>['payload'];

/** How a run ended; the keeper adds count and duration to a result. */
export type LastWord =
  | { readonly type: 'result'; readonly data: PayloadOf<'result'>['data'] }
  | { readonly type: 'error'; readonly payload: PayloadOf<'error'> };

/** Where an interpreter's output goes, in order. Text may come in pieces of any size. */
export type Sink = {
  text(stream: 'stdout' | 'stderr', text: string): void;
  display(payload: PayloadOf<'display'>): void;
  progress(payload: PayloadOf<'progress'>): void;
  /** The code asks for a line. It is answered through `Interpreter.input`. */
  ask(payload: PayloadOf<'stdin-request'>): void;
};

export type Interpreter = {
  /** Its version, for people. */
  readonly version: string;
  /** Runs code; one run at a time. Resolves with its last word after everything it printed is in the sink; never rejects. */
  execute(run: RunId, code: string): Promise<LastWord>;
  /** Interrupts the run that is on; its state is kept where the interpreter can. */
  interrupt(): void;
  /** Answers `Sink.ask`. The text has no newline at its end. Whether anything was asked. */
  input(text: string): boolean;
  /** Answers a question; also while a run is on where it can. Rejects with a sentence for people when it cannot. */
  ask(kind: QuestionKind, question: unknown): Promise<unknown>;
  /** Resolves when the interpreter is gone without having been closed, with how (`exit code 3`, `signal SIGKILL`). */
  readonly gone: Promise<string>;
  close(): void;
  /** The disk is full: print no more until `resume`. Without these, what is printed meanwhile waits in memory. */
  pause?(): void;
  resume?(): void;
};

/** What a kind is started with: read from the keeper's own arguments, so it survives the host. */
export type InterpreterOptions = {
  /** The program, absolute; what it means is the kind's own (for a Jupyter kernel its kernelspec's folder). */
  readonly executable: string;
  /** Where it runs, absolute. */
  readonly cwd: string;
  /** The session's folder (0700), for sockets and connection files. */
  readonly folder: string;
  readonly config: SessionConfig;
};

export type StartInterpreter = (options: InterpreterOptions, sink: Sink, signal: AbortSignal) => Promise<Interpreter>;
