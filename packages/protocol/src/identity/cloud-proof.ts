/**
 * What a device signs to show a cloud that it has its key: a challenge of that cloud, for that cloud by the name it was
 * reached by, so that no cloud can use it at another, and for one purpose.
 */
export type CloudProofFor = 'token' | 'link';

/** @param cloud `cloud.example.com`, with its port where it is not the usual one */
export function cloudProof(purpose: CloudProofFor, cloud: string, challenge: string): Uint8Array {
  return new TextEncoder().encode(`markco/cloud-${purpose}/v1\n${cloud}\n${challenge}`);
}
