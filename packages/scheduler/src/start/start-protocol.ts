/**
 * What coordinator and executor of a placed run say to each other, and the times they agree on. Exactly one start
 * cannot be had where a device can vanish; the protocol promises at most one, and that nobody is left without an answer.
 *
 * 1. A run goes to a host under a fence, one higher with each host it is tried on. What carries an older fence is void.
 * 2. A host that holds the run's session gets it granted with the offer: the session's host coordinates its own runs.
 * 3. Any other host claims it when its turn comes, and starts it only on a grant that answers this very claim, within
 *    `CLAIM_MS` of it on its own clock, which goes on while the device sleeps. No two clocks are ever compared.
 * 4. What a host says to be void under a fence it never starts under that fence: it writes that down first.
 */
import type { DeviceId, NodeCapability, RunId, SessionId } from '@markco/protocol';
import type { Priority } from '../queue.ts';
import type { RefusalRule } from '../refuse.ts';
import type { PlaceRequest } from '../snapshot.ts';

export const CLAIM_MS = 5_000;
/** Two clocks may run differently fast: what a coordinator adds to be sure that nothing can start any more. */
export const CLOCK_MARGIN_MS = 500;

export type RunEnd = 'completed' | 'failed' | 'cancelled' | 'lost';

export type Offer = {
  readonly type: 'offer';
  readonly runId: RunId;
  readonly fence: number;
  readonly sessionId: SessionId;
  readonly priority: Priority;
  readonly request: PlaceRequest;
  readonly isGranted: boolean;
};

/** What a coordinator says of an offer. */
export type Word =
  | { readonly type: 'grant'; readonly fence: number; readonly claim: number }
  /** `withdraw`: not to be started under this fence; a run that has started goes on. `cancel`: it is stopped as well. */
  | { readonly type: 'withdraw' | 'cancel' | 'ask'; readonly fence: number };

export type ToExecutor = Offer | ({ readonly runId: RunId } & Word);

export type ToCoordinator =
  | { readonly type: 'claim'; readonly runId: RunId; readonly fence: number; readonly claim: number }
  | { readonly type: 'waits'; readonly runId: RunId; readonly fence: number }
  /**
   * Not started under this fence, and never will be. It says how the host is now: a coordinator that still believed the
   * heartbeat before would offer it the same run again at once, and again.
   */
  | {
      readonly type: 'void';
      readonly runId: RunId;
      readonly fence: number;
      readonly why: VoidReason;
      readonly host: HostState;
    }
  | { readonly type: 'started'; readonly runId: RunId; readonly fence: number }
  | { readonly type: 'ended'; readonly runId: RunId; readonly fence: number; readonly end: RunEnd };

/** What a heartbeat tells of a host. */
export type HostState = {
  readonly capability: NodeCapability;
  readonly runningRuns: number;
  readonly queuedRuns: number;
};

export type VoidReason = RefusalRule | 'withdrawn' | 'unknown';
export type StartMessage = ToExecutor | ToCoordinator;
export type Send<Message> = (to: DeviceId, message: Message) => void;
