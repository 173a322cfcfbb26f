/**
 * The leave to run one piece of code once, on one device that is away, when it is back. It is signed where a person
 * pressed run, and held by another device until then, which can pass it on or keep it, and change nothing: not the code,
 * not the device, not the cell that its output goes to.
 *
 * 1. It is good for days, where a grant is for a minute, and only for as long as its submitter is one of the user's
 *    devices. That it is used once is seen to by its host, which never forgets the id of a run.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import * as z from 'zod/mini';
import { Sha256Schema } from '../entity/scalar.ts';
import { Failure } from '../failure.ts';
import { LIMITS } from '../limits.ts';
import { checkSealedGrant, RunGrantSchema, type AskedOfGrant } from './grant.ts';
import { sealLater, unseal, type SignLater } from './keys.ts';

/** A weekend, and the days around it. */
export const WAITING_GRANT_LIFETIME_MS = 5 * 24 * 3_600_000;

const WaitingGrantSchema = z.extend(RunGrantSchema, {
  /** Of what else the run was asked for with. */
  rest: Sha256Schema,
});
export type WaitingGrant = z.infer<typeof WaitingGrantSchema>;

/** What a run is asked for with besides what a grant names. */
export type RestOfRun = {
  readonly documentId?: string | undefined;
  readonly cellId?: string | undefined;
  readonly docVersion?: string | undefined;
};

export const restHashOf = ({ documentId = '', cellId = '', docVersion = '' }: RestOfRun): string =>
  bytesToHex(sha256(utf8ToBytes(JSON.stringify([documentId, cellId, docVersion]))));

export function signWaitingGrant(grant: WaitingGrant, sign: SignLater): Promise<Uint8Array> {
  return sealLater('waitgrant', grant, sign);
}

/** The grant if it is good now for `host`, or, without one, for the device that it names; else why not. */
export function checkWaitingGrant(
  bytes: Uint8Array,
  asked: Omit<AskedOfGrant, 'host'> & { readonly host?: AskedOfGrant['host']; readonly rest: RestOfRun },
): WaitingGrant | Failure {
  const sealed = unseal('waitgrant', WaitingGrantSchema, bytes, LIMITS.runGrantBytesMax, 'The grant to run');
  if (sealed instanceof Failure) return sealed;
  const { host = sealed.value.host } = asked;
  const grant = checkSealedGrant(sealed, { ...asked, host }, WAITING_GRANT_LIFETIME_MS);
  if (grant instanceof Failure) return grant;
  if (grant.rest === restHashOf(asked.rest)) return grant;
  return new Failure('forbidden', 'The grant to run was given for another cell, or another version of its page.');
}
