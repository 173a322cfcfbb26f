/** Who says that something in a folder may have changed. The kinds: the system's own notices, and looking again and again. */
export type WatchListener = {
  /** Paths inside the folder that changed, appeared or went; at least these. */
  readonly changed: (paths: readonly string[]) => void;
  /** Some notices were lost: anything may have changed. */
  readonly lost: () => void;
  /** No more notices will come. */
  readonly failed: (error: unknown) => void;
};

export type Watch = { close(): Promise<void> };
export type Watcher = {
  /** Resolves when every change from now on will be told. */
  open(root: string, listener: WatchListener): Promise<Watch>;
};
