/**
 * What a runtime is: how to find an interpreter on this machine and how to start it.
 *
 * It is a program that speaks the worker protocol of `worker-link.ts` and writes the spool of `../runs/spool.ts`.
 */
import type { Language, QuestionKind, SessionConfig } from '@markco/protocol';

/** What a row may look at: the environment of the host, the project's folder (absolute), the project's wishes. */
export type RuntimePlace = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly projectFolder: string;
  readonly config: SessionConfig;
};

export const NO_WISHES: SessionConfig = { path: null, venv: null, cwd: null, name: null, kernel: null };

export type Detected =
  | {
      readonly available: true;
      readonly version: string;
      readonly executable: string;
      /** The folder of the virtual environment, when it is one. */
      readonly virtualenv?: string;
    }
  /** `hint` is a sentence that says how to get it. */
  | { readonly available: false; readonly hint: string };

export type WorkerCommand = {
  /** Program first. Never holds a secret: every user of the machine can read it. */
  readonly argv: readonly [string, ...string[]];
  /** Added to the inherited environment. */
  readonly env: Readonly<Record<string, string>>;
  /** A program that forks such workers from a warm interpreter (`fork-server.ts`); `argv` is used when it cannot. */
  readonly forkServer?: { readonly argv: readonly [string, ...string[]]; readonly limitBytes: number };
};

/** Where a session keeps its things: its folder (0700) and the path of its socket. */
export type SessionPlace = { readonly folder: string; readonly socket: string };

export type RuntimeDescriptor = {
  readonly language: Language;
  /** Other names in a fence's info string. */
  readonly aliases: readonly string[];
  /** What people call it. */
  readonly label: string;
  /** Its sessions can be forked from a warm interpreter. */
  readonly forks?: true;
  /** What it answers besides running code. */
  readonly answers: readonly QuestionKind[];
  /** Looks for an interpreter. An abort ends the programs it asks. */
  detect(place: RuntimePlace, signal: AbortSignal): Promise<Detected>;
  command(session: SessionPlace, executable: string, place: RuntimePlace): WorkerCommand;
  /** Ends what a session, which is being removed, has left elsewhere. Rejects with a sentence. */
  leave?(session: Pick<SessionPlace, 'folder'>, signal: AbortSignal): Promise<void>;
};
