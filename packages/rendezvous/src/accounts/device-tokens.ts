/**
 * What a device that was let in by a code comes with: a token of ten minutes, for which it signs a challenge with its
 * key. So nothing that is kept on its disk besides that key lets anybody in, and a token that leaks is soon worth
 * nothing. The link itself takes another such signature.
 */
import { Failure, type IdSource } from '@markco/protocol';
import { cloudProof, type CloudProofFor } from '@markco/protocol/identity/cloud-proof';
import { createPublicKey, verify } from 'node:crypto';
import { accountGone } from '../deletion/gone.ts';
import type { AccountRow } from './account-row.ts';
import type { Accounts } from './accounts.ts';
import { createPending } from './pending.ts';
import { hashOf } from './sessions.ts';

const TOKEN_MS = 600_000;
const TOKENS_MAX = 10_000;
const CHALLENGE_MS = 60_000;
/** RFC 8410 §4: what comes before the 32 bytes of an Ed25519 key in DER. */
const PUBLIC = Buffer.from('302a300506032b6570032100', 'hex');

export type LetIn = { readonly id: string; readonly account: AccountRow };

export type DeviceTokens = {
  challenge(): string;
  /** @throws Failure `unauthorized` when the device is not let in, or not the one it says */
  issue(proof: Proof): { readonly token: string; readonly endsAt: number };
  find(token: string): LetIn | undefined;
  /** That the device of a token is on the other side of a link. @throws Failure `unauthorized` */
  requireProof(id: string, proof: Proof): void;
};

export type Proof = { readonly key: string; readonly challenge: string; readonly signature: string };

export function createDeviceTokens({
  accounts,
  ids,
  names,
  hadDevice,
}: {
  readonly accounts: Accounts;
  readonly ids: IdSource;
  /** By which this cloud is reached: what was signed for another cloud is worth nothing here. */
  readonly names: () => readonly string[];
  /** Whether this key came in with an account that was deleted. */
  readonly hadDevice: (key: string) => boolean;
}): DeviceTokens {
  const challenges = createPending<true>({ ...ids, max: TOKENS_MAX, lastsMs: CHALLENGE_MS });
  const tokens = createPending<{ readonly id: string; readonly key: string }>({
    ...ids,
    ...{ max: TOKENS_MAX, lastsMs: TOKEN_MS },
  });

  function isProven(purpose: CloudProofFor, { key, challenge, signature }: Proof): boolean {
    // Once, whether it turns out to be good or not.
    if (challenges.take(challenge) === undefined) return false;
    const publicKey = createPublicKey({
      key: Buffer.concat([PUBLIC, Buffer.from(key, 'base64url')]),
      ...{ format: 'der', type: 'spki' },
    });
    return names().some((cloud) =>
      verify(null, cloudProof(purpose, cloud, challenge), publicKey, Buffer.from(signature, 'base64url')),
    );
  }

  function letIn(key: string): LetIn | undefined {
    const account = accounts.withDevice(key);
    const device = account?.devices.find((each) => each.key === key);
    return account === undefined || device === undefined ? undefined : { id: device.id, account };
  }

  const refused = (): Failure =>
    new Failure('unauthorized', 'This cloud does not let this device in any more. Log in again: markco login URL');

  return {
    challenge: () => challenges.put(true),
    issue(proof) {
      const device = letIn(proof.key);
      if (!isProven('token', proof)) throw refused();
      if (device === undefined) throw hadDevice(proof.key) ? accountGone() : refused();
      return { token: tokens.put({ id: device.id, key: proof.key }), endsAt: ids.now() + TOKEN_MS };
    },
    find(token) {
      const known = tokens.peek(token);
      return known === undefined ? undefined : letIn(known.key);
    },
    requireProof(id, proof) {
      if (letIn(proof.key)?.id !== id || !isProven('link', proof)) throw refused();
    },
  };
}

/** What a device and the person who lets it in compare: both see the same of its key. */
export const fingerprintOf = (key: string): string =>
  (hashOf(key).slice(0, 12).match(/.{4}/g) ?? []).join('-').toUpperCase();
