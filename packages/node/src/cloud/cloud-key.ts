/** What this device shows a cloud that it was let in to: that it has its key. */
import type { Signer } from '@markco/protocol/identity';
import { cloudProof, type CloudProofFor } from '@markco/protocol/identity/cloud-proof';
import { cloudApi } from './cloud-api.ts';

/** The key of this device; asked for only when it is needed, for it may be in a keychain. */
export type CloudKey = () => Promise<Signer>;

export type Proof = { readonly key: string; readonly challenge: string; readonly signature: string };
export type Shown = {
  readonly token: string;
  /** For the hello of the link. */
  readonly proof: Proof;
};

export const keyText = ({ publicKey }: Signer): string => base64url(publicKey);

/** @throws Failure of `cloudApi`, `unauthorized` when the cloud does not let this device in */
export async function showKey(url: string, key: CloudKey, signal: AbortSignal): Promise<Shown> {
  return { token: await askToken(url, key, signal), proof: await prove('link', url, key, signal) };
}

/** One of some minutes. Throws as `showKey` does. */
export async function askToken(url: string, key: CloudKey, signal: AbortSignal): Promise<string> {
  const body = await prove('token', url, key, signal);
  return (await cloudApi(url)('deviceToken', { body, signal })).token;
}

async function prove(purpose: CloudProofFor, url: string, key: CloudKey, signal: AbortSignal): Promise<Proof> {
  const signer = await key();
  const { challenge } = await cloudApi(url)('deviceChallenge', { signal });
  const signature = base64url(signer.sign(cloudProof(purpose, new URL(url).host, challenge)));
  return { key: keyText(signer), challenge, signature };
}

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
