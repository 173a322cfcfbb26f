/** The first thing two devices say on a connection, over one stream that then ends (`identity/hello.ts` decides). */
import { Failure, LIMITS } from '@markco/protocol';
import {
  createHelloInitiator,
  createHelloResponder,
  headsOf,
  type EntryId,
  type Hello,
  type HelloStep,
  type HelloState,
} from '@markco/protocol/identity';
import type { MessageStream } from '@markco/protocol/message-stream';
import { keyOfPeer } from './peer-key.ts';
import type { Trust } from './trust.ts';

export const GREETING_MS = 10_000;
/** A hello and a renewal. More ends it. */
const GREETING_BYTES_MAX = LIMITS.helloBytesMax + LIMITS.certificateBytesMax + 64;

export type Met = Pick<Extract<HelloState, { state: 'member' }>, 'member' | 'certificate'> & {
  /** The log of both ends in these, so far as they told each other. */
  readonly heads: readonly EntryId[];
};

/**
 * Resolves with who it is, once what it told of the user's log is on disk. Rejects with why it is refused.
 * @param peerHeads in which its log ended the last time, so that it is not told again what it has
 */
export function greet(
  stream: MessageStream,
  peerId: string,
  trust: Pick<Trust, 'log' | 'deviceId' | 'signer' | 'certificate' | 'now' | 'take' | 'renew'>,
  role: 'initiator' | 'responder',
  peerHeads: readonly EntryId[] = [],
): Promise<Met> {
  const { log, deviceId, signer } = trust;
  const make = role === 'initiator' ? createHelloInitiator : createHelloResponder;
  const hello: Hello = make({
    log,
    deviceId,
    certificate: trust.certificate,
    signer,
    peerKey: keyOfPeer(peerId),
    peerHeads,
  });

  return new Promise<Met>((resolve, reject) => {
    let met: Promise<Met> | null = null;
    const timer = setTimeout(
      () => stream.abort(new Failure('not_ready', 'The other device did not say who it is in time.')),
      GREETING_MS,
    );

    function take({ send, now }: HelloStep): void {
      for (const bytes of send) stream.sendBytes(bytes);
      if (now.state === 'refused') {
        reject(now.failure);
        stream.close();
      } else if (now.state === 'member') {
        const { member, certificate, renewed } = now;
        met = Promise.all([trust.take(now.log), renewed === undefined ? undefined : trust.renew(renewed)]).then(() => ({
          ...{ member, certificate, heads: headsOf(now.log) },
        }));
        // A renewal may follow; who spoke first ends the stream once it has had its answer.
        if (role === 'initiator') setTimeout(() => stream.close());
      }
    }

    let heard = 0;
    stream.onMessage((message) => {
      heard += message.length;
      if (typeof message === 'string') stream.abort(new Failure('bad_request', 'The other device said no hello.'));
      else if (heard > GREETING_BYTES_MAX)
        stream.abort(new Failure('too_large', 'The other device said more than a hello.'));
      else take(hello.receive(message, trust.now()));
    });
    stream.onClose((why) => {
      clearTimeout(timer);
      if (met === null) reject(why ?? new Failure('forbidden', 'The other device ended the connection.'));
      else resolve(met);
    });
    take(hello.start());
  });
}
