/**
 * Whose device this is and which others are, as whoever speaks for it has it: the user's log, this device's certificate,
 * and the time. How they are kept is another matter; `kept-log.ts` is what is the same wherever that is.
 */
import type { DeviceId, UserId } from '@markco/protocol';
import type { Member, Membership, Signer, UserLog } from '@markco/protocol/identity';

export type Trust = {
  readonly deviceId: DeviceId;
  readonly peerId: string;
  /** Signs entries and renewals, on a device that may make any. */
  readonly signer: Signer;
  readonly userId: UserId;
  readonly log: UserLog;
  readonly members: Membership;
  readonly certificate: Uint8Array;
  now(): number;
  memberAt(peerId: string): Member | undefined;
  /** A log that has what this one has and more. Resolves once it is on disk. */
  take(log: UserLog): Promise<void>;
  renew(certificate: Uint8Array): Promise<void>;
  /** Answers how to stop. */
  onChange(listener: () => void): () => void;
};
