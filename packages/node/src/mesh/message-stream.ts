/** The messages of another device on one stream (`@markco/client` has the form), as fast as its conduct lets them in. */
import type { Stream } from '@libp2p/interface';
import { messageStream as messagesOn, type Allocate } from '@markco/client/mesh/message-stream';
import type { MessageStream } from '@markco/protocol/message-stream';
import { COST } from '@markco/replica/replicate/cost';
import type { Conduct } from './conduct.ts';

const LARGE_BYTES = 16 * 1024;
const AS_IT_LIKES: Conduct = { admit: () => 0, wasted: () => undefined };
/** To clear a large one first takes as long as to fill it. */
const allocate: Allocate = (length) =>
  length < LARGE_BYTES ? new Uint8Array(length) : new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);

/** @param bytesMax the largest message that is taken; a larger one ends the stream */
export function messageStream(stream: Stream, bytesMax?: number, conduct: Conduct = AS_IT_LIKES): MessageStream {
  const onUnreadable = (): void => conduct.wasted(COST.unreadable);
  return messagesOn(stream, { bytesMax, admit: (bytes) => conduct.admit(bytes), onUnreadable, allocate });
}
