/**
 * Noise, with the key of a connection made ready once. Given as bytes, Node makes it ready anew for each 64 KB, which takes
 * as long again as to encrypt them.
 */
import { noise } from '@libp2p/noise';
import { defaultCrypto, nodeCrypto } from '@libp2p/noise/crypto';
import { createSecretKey, type KeyObject } from 'node:crypto';

/** Of less, libp2p does it in WebAssembly, which takes the bytes. */
const LARGE_BYTES = 1_200;

export function quickNoise(): ReturnType<typeof noise> {
  const ready = new WeakMap<Uint8Array, KeyObject>();
  /** What Node takes in place of the bytes; libp2p hands it on as it is. */
  function keyOf(bytes: Uint8Array): Uint8Array {
    const key = ready.get(bytes) ?? createSecretKey(bytes);
    ready.set(bytes, key);
    return key as unknown as Uint8Array;
  }
  return noise({
    crypto: {
      ...defaultCrypto,
      chaCha20Poly1305Encrypt: (plain, nonce, ad, key) =>
        plain.byteLength < LARGE_BYTES
          ? defaultCrypto.chaCha20Poly1305Encrypt(plain, nonce, ad, key)
          : nodeCrypto.chaCha20Poly1305Encrypt(plain, nonce, ad, keyOf(key)),
      chaCha20Poly1305Decrypt: (sealed, nonce, ad, key, into) =>
        sealed.byteLength < LARGE_BYTES
          ? defaultCrypto.chaCha20Poly1305Decrypt(sealed, nonce, ad, key, into)
          : nodeCrypto.chaCha20Poly1305Decrypt(sealed, nonce, ad, keyOf(key), into),
    },
  });
}
