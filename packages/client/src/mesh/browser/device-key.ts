/**
 * The key of a browser that is a device: made here, by the browser itself, which signs with it and shows it to nobody, not
 * even to this page. So who gets hold of the page may use it while the page is open, and cannot carry it away.
 */
import { publicKeyFromRaw } from '@libp2p/crypto/keys';
import type { Ed25519PrivateKey, Ed25519PublicKey } from '@libp2p/interface';
import { Failure } from '@markco/protocol';
import type { SignLater } from '@markco/protocol/identity';

export type DeviceKey = { readonly pair: CryptoKeyPair; readonly publicKey: Uint8Array };

/** @throws Failure `unsupported` where a browser keeps no such keys */
export async function makeDeviceKey(): Promise<DeviceKey> {
  const subtle = (globalThis.crypto as Partial<Crypto>).subtle as SubtleCrypto | undefined;
  if (subtle === undefined)
    throw new Failure(
      'unsupported',
      'A browser keeps keys only for pages that come by https, or from this machine. Put a server that speaks TLS in front of your cloud (Caddy does it in one line) and open the page by https.',
    );
  try {
    const pair = (await subtle.generateKey('Ed25519', false, ['sign', 'verify'])) as CryptoKeyPair;
    return { pair, publicKey: new Uint8Array(await subtle.exportKey('raw', pair.publicKey)) };
  } catch (cause) {
    throw new Failure('unsupported', 'This browser is too old to keep a key for your devices. Upgrade it.', { cause });
  }
}

export const signWith =
  ({ pair }: DeviceKey): SignLater =>
  async (message) =>
    new Uint8Array(await crypto.subtle.sign('Ed25519', pair.privateKey, message));

/** In the form that libp2p takes it. */
export function libp2pKeyOf(key: DeviceKey): Ed25519PrivateKey {
  const publicKey = publicKeyFromRaw(key.publicKey) as Ed25519PublicKey;
  const sign = signWith(key);
  return {
    type: 'Ed25519',
    publicKey,
    get raw(): Uint8Array {
      throw new Error('the key of a browser is shown to nobody');
    },
    equals: (other: unknown) =>
      typeof other === 'object' && other !== null && 'publicKey' in other && publicKey.equals(other.publicKey),
    sign: (data) => sign(new Uint8Array(data.subarray())),
  };
}
