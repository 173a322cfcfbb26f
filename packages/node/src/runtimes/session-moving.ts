/**
 * A session that is moved to another device: its values are kept for that, and it stands still until it is gone or stays.
 *
 * 1. Until the other device has said that it has them this session is the session, and nothing of it has changed.
 */
import { Failure, type SessionEvent, type SessionState } from '@markco/protocol';
import type { createCheckpoint, Saved } from './checkpoint.ts';
import type { WorkerLink } from './worker-link.ts';

type Now = {
  readonly state: SessionState;
  readonly link: WorkerLink | null;
  readonly isBusy: boolean;
  readonly hasProcess: boolean;
};

export type SessionMovingParts = {
  readonly checkpoint: Pick<ReturnType<typeof createCheckpoint>, 'isThere' | 'write' | 'bring' | 'forget'>;
  /** Of its language, for people. */
  readonly label: string;
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
  readonly step: (event: SessionEvent, cause: string) => void;
  readonly now: () => Now;
};

export function createSessionMoving({ checkpoint, label, inTurn, step, now }: SessionMovingParts) {
  return {
    /** Whether it has an interpreter, or values that come back with the next one. */
    hasValues: async (): Promise<boolean> => now().hasProcess || (await checkpoint.isThere()),

    /**
     * Keeps its values; from then on no run starts in it, until it stays or is removed. `conflict` while a run is on,
     * `unsupported` for what cannot keep any.
     */
    leave: (): Promise<Saved> =>
      inTurn(async () => {
        const { state, link, isBusy } = now();
        if (state === 'migrating') throw beingMoved();
        if (isBusy || link === null) throw new Failure('conflict', 'A run of this session is on.');
        if (link.hello.python === undefined) throw cannotMove(label);
        step('migrate', 'asked');
        try {
          return await checkpoint.write(link);
        } catch (error) {
          if (now().state === 'migrating') step('arrive', 'its values could not be kept');
          throw error;
        }
      }),

    /** It is not moved after all. */
    stay: (): Promise<void> =>
      inTurn(async () => {
        if (now().state !== 'migrating') return;
        await checkpoint.forget();
        step('arrive', 'stays');
      }),

    /** Brings values of the device `source` into it, which has just been started. `unsupported` says why they do not fit. */
    async bring(file: string, source: string): Promise<void> {
      const { link } = now();
      if (link === null) throw new Failure('not_ready', 'The session ended before its values were there.');
      await checkpoint.bring(link, file, source);
    },
  };
}

export const beingMoved = (): Failure =>
  new Failure('not_ready', 'This session is being moved to another device. Run it again in a moment.');

export const cannotMove = (label: string): Failure =>
  new Failure(
    'unsupported',
    `${label} keeps its values in its process, and cannot give them to another device; Python can. Run its cells there: markco run FILE --on DEVICE. Or write what you need into a file of the project.`,
  );
