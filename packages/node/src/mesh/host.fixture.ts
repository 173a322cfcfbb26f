/** For tests: one libp2p node of ours, with nothing above it, that lets everybody in and is closed with its test. */
import { generateKeyPair } from '@libp2p/crypto/keys';
import { createConducts } from './conduct.ts';
import { createHost, type Host, type HostParts } from './host.ts';

export async function testHost(parts: Partial<HostParts> = {}): Promise<Host & AsyncDisposable> {
  const host = await createHost({
    key: await generateKeyPair('Ed25519'),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    admits: () => true,
    conducts: createConducts({ now: () => performance.now(), onCut: () => undefined }),
    now: Date.now,
    onTrouble: () => undefined,
    ...parts,
  });
  return { ...host, [Symbol.asyncDispose]: () => host.close() };
}
