/** What a member of a document says, parsed. Throws a Failure `bad_request` with what its person can do. */
import { decodeFrame, decodeStateVector, Failure, type Frame } from '@markco/protocol';

export const readFrame = (bytes: Uint8Array): Frame => {
  try {
    return decodeFrame(bytes);
  } catch (cause) {
    throw new Failure(
      'bad_request',
      'A message could not be read. Reload the page; if it comes back, upgrade the client.',
      { cause },
    );
  }
};

export const readStateVector = (bytes: Uint8Array): ReadonlyMap<number, number> => {
  try {
    return decodeStateVector(bytes);
  } catch (cause) {
    throw new Failure(
      'bad_request',
      'A state vector could not be read. Reload the page; if it comes back, upgrade the client.',
      { cause },
    );
  }
};
