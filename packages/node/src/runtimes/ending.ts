/** How a run that was sent to a session ended, as its session knows it. */
export type Ending =
  /** The worker has said that the run's last event is on disk. */
  | { readonly kind: 'ended' }
  /** The worker is dead. */
  | {
      readonly kind: 'died';
      readonly reason: string;
      readonly lastWords: readonly string[];
      /** It met this limit. */
      readonly limit?: 'MemoryLimit';
    }
  /** The worker did not start it: its spool was there already or could not be made. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** This host let go of the session; the run goes on without it. */
  | { readonly kind: 'detached' };
