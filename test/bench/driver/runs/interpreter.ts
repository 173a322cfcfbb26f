/** One interpreter under measurement, however it is reached. Times are those of `performance.now()`. */

/** How a run ended, as its client saw it. */
export type Ended = {
  /** When the value of the last expression was there; null where there was none. */
  readonly resultAt: number | null;
  /** When it was known that nothing comes any more. */
  readonly endedAt: number;
  /** The name of the error, or null. */
  readonly error: string | null;
};

export type Interpreter = {
  /** Starts the interpreter when it is not there. One run at a time. */
  run(code: string, onText?: (text: string) => void): Promise<Ended>;
  interrupt(): Promise<void>;
  /** Ends the interpreter. */
  end(): Promise<void>;
};

export type Interpreters = {
  /** Gets ready whatever needs no interpreter; none is started. */
  prepare(): Promise<Interpreter>;
  /** The processes that are there for its interpreters and their server. */
  processes(): Promise<readonly number[]>;
  close(): Promise<void>;
};

/** Where interpreters are had from. */
export type Source =
  | {
      readonly kind: 'markco';
      readonly origin: string;
      readonly token: string;
      readonly folder: string;
      readonly pid: number;
      /** A Jupyter kernel that its projects name. */
      readonly kernel?: string;
    }
  | { readonly kind: 'jupyter-server'; readonly origin: string; readonly token: string; readonly pid: number }
  | { readonly kind: 'ipykernel'; readonly python: string; readonly folder: string };
