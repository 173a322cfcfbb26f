/** A libp2p PeerId of an Ed25519 key is that key in another spelling. */
import { publicKeyFromRaw } from '@libp2p/crypto/keys';
import { peerIdFromPublicKey, peerIdFromString } from '@libp2p/peer-id';

export function keyOfPeer(peerId: string): Uint8Array {
  const { publicKey } = peerIdFromString(peerId);
  return publicKey === undefined ? new Uint8Array() : new Uint8Array(publicKey.raw);
}

export const peerOfKey = (key: Uint8Array): string => peerIdFromPublicKey(publicKeyFromRaw(key)).toString();
