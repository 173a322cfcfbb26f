/**
 * libp2p's Noise at a lower price. On the wire it is the same.
 *
 * 1. The key of a connection is made ready once. Given as bytes, Node makes it ready anew for each 64 KB, which takes as
 *    long again as to encrypt them.
 * 2. A small message, the key that somebody pressed, is one write. Its length was one of its own, which woke the other
 *    device for two bytes.
 * 3. The reader ends each turn by an error that says that there is no more; made anew each time, its stack costs more
 *    than reading the message does.
 */
import type { MessageStream, SecuredConnection } from '@libp2p/interface';
import { noise } from '@libp2p/noise';
import { defaultCrypto, nodeCrypto } from '@libp2p/noise/crypto';
import { createSecretKey, type KeyObject } from 'node:crypto';

/** Of less, libp2p encrypts in WebAssembly, which takes the bytes of a key. */
const LARGE_BYTES = 1_200;
/** To copy more costs more than a second write. */
const COPIED_BYTES_MAX = 4_096;
const LENGTH_BYTES = 2;
const NO_MORE = new RangeError('The length of a message has not come yet.');

/** The part of an encrypted connection that libp2p has no public name for. */
type Encrypted = { readonly decoder?: { lengthDecoder?: (data: Parameters<MessageStream['send']>[0]) => number } };

export function quickNoise(): ReturnType<typeof noise> {
  const make = noise({ crypto: { ...defaultCrypto, ...withReadyKeys() } });
  return (components) => {
    const made = make(components);
    const [inbound, outbound] = [made.secureInbound.bind(made), made.secureOutbound.bind(made)];
    made.secureInbound = async (connection, options) => cheapEnd(await inbound(inOneWrite(connection), options));
    made.secureOutbound = async (connection, options) => cheapEnd(await outbound(inOneWrite(connection), options));
    return made;
  };
}

function withReadyKeys(): Pick<typeof defaultCrypto, 'chaCha20Poly1305Encrypt' | 'chaCha20Poly1305Decrypt'> {
  const ready = new WeakMap<Uint8Array, KeyObject>();
  /** What Node takes in place of the bytes; libp2p hands it on as it is. */
  function keyOf(bytes: Uint8Array): Uint8Array {
    const key = ready.get(bytes) ?? createSecretKey(bytes);
    ready.set(bytes, key);
    return key as unknown as Uint8Array;
  }
  return {
    chaCha20Poly1305Encrypt: (plain, nonce, ad, key) =>
      plain.byteLength < LARGE_BYTES
        ? defaultCrypto.chaCha20Poly1305Encrypt(plain, nonce, ad, key)
        : nodeCrypto.chaCha20Poly1305Encrypt(plain, nonce, ad, keyOf(key)),
    chaCha20Poly1305Decrypt: (sealed, nonce, ad, key, into) =>
      sealed.byteLength < LARGE_BYTES
        ? defaultCrypto.chaCha20Poly1305Decrypt(sealed, nonce, ad, key, into)
        : nodeCrypto.chaCha20Poly1305Decrypt(sealed, nonce, ad, keyOf(key), into),
  };
}

function inOneWrite<C extends MessageStream>(connection: C): C {
  const send = connection.send.bind(connection);
  connection.send = (data) => send(data.byteLength > COPIED_BYTES_MAX ? data : data.subarray());
  return connection;
}

function cheapEnd<S extends SecuredConnection>(secured: S): S {
  const { decoder } = secured.connection as unknown as Encrypted;
  const lengthOf = decoder?.lengthDecoder;
  if (decoder !== undefined && lengthOf !== undefined)
    decoder.lengthDecoder = (data) => {
      if (data.byteLength < LENGTH_BYTES) throw NO_MORE;
      return lengthOf(data);
    };
  return secured;
}
