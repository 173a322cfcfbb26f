import { codeHashOf, signerOf } from '@markco/protocol/identity';

import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { systemCodeHash, systemSigner, systemVerify } from './system-signature.ts';

test('the system signs as the protocol does, to the byte, and takes nothing that the protocol refuses', () => {
  for (let round = 0; round < 20; round++) {
    const secret = new Uint8Array(randomBytes(32));
    const message = new Uint8Array(randomBytes(round * 37));
    const [ours, theirs] = [systemSigner(secret), signerOf(secret)];
    expect(ours.publicKey).toEqual(theirs.publicKey);
    const signature = ours.sign(message);
    expect(signature).toEqual(theirs.sign(message));
    expect(systemVerify(signature, message, ours.publicKey)).toBe(true);
    const other = signature.slice();
    other[round] = (other[round] ?? 0) ^ 1;
    expect(systemVerify(other, message, ours.publicKey)).toBe(false);
    expect(systemVerify(signature, new Uint8Array([...message, 0]), ours.publicKey)).toBe(false);
    expect(systemVerify(signature, message, systemSigner(new Uint8Array(randomBytes(32))).publicKey)).toBe(false);
    expect(systemVerify(signature.slice(1), message, ours.publicKey)).toBe(false);
    expect(systemVerify(signature, message, ours.publicKey.slice(1))).toBe(false);
  }
});

test('the system hashes code as the protocol does', () => {
  for (const code of ['', '1+1', 'print("ü 🐍")\n'.repeat(100)]) expect(systemCodeHash(code)).toBe(codeHashOf(code));
});
