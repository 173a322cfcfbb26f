/** A connection to a cloud that has greeted this device: what is said on it from then on is for `replicate`. */
import {
  DeviceIdSchema,
  Failure,
  LIMITS,
  SyncModeSchema,
  USUAL_SYNC_MODE,
  type DeviceId,
  type SyncMode,
  type UserId,
} from '@markco/protocol';
import type { MessageStream } from '@markco/replica/replicate/message-stream';
import { WebSocket } from 'ws';
import * as z from 'zod/mini';
import { showKey, type CloudKey, type Proof } from './cloud-key.ts';
import { cloudStream } from './cloud-stream.ts';

const HelloSchema = z.object({
  op: z.literal('hello'),
  deviceId: DeviceIdSchema,
  mode: z.optional(z.string()),
});

/** `byKey`: this device was let in there, and shows its key each time. */
export type CloudPlace =
  | { readonly url: string; readonly token: string }
  | { readonly url: string; readonly byKey: true };
export type DialParts = {
  readonly self: () => { readonly deviceId: DeviceId; readonly userId: UserId };
  readonly key: CloudKey;
};
type Hello = ReturnType<DialParts['self']> & { readonly token: string; readonly proof?: Proof };
export type Greeted = {
  readonly stream: MessageStream;
  readonly cloud: DeviceId;
  /** Of the cloud. */
  readonly mode: SyncMode;
};

/**
 * @throws Failure `unauthorized` and `forbidden` when it does not let this device in, `not_ready` when it cannot be
 * reached, `bad_request` when it is no cloud
 */
export async function dialCloud(place: CloudPlace, { self, key }: DialParts, signal: AbortSignal): Promise<Greeted> {
  const shown = 'byKey' in place ? await showKey(place.url, key, signal) : { token: place.token };
  return open(place.url, { ...self(), ...shown }, signal);
}

function open(url: string, { token, ...hello }: Hello, signal: AbortSignal): Promise<Greeted> {
  return new Promise((resolve, reject) => {
    const address = new URL('/api/link', url);
    address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
    const ws = new WebSocket(address, {
      headers: { authorization: `Bearer ${token}` },
      maxPayload: LIMITS.messageBytesMax,
      perMessageDeflate: false,
    });
    const give = (failure: Failure): void => {
      settle();
      ws.terminate();
      reject(failure);
    };
    const onAbort = (): void => give(new Failure('not_ready', `${address.host} does not answer.`));
    signal.addEventListener('abort', onAbort, { once: true });
    // A socket that is given up while it is being opened says so.
    ws.on('error', (cause) => give(new Failure('not_ready', `${address.host} cannot be reached.`, { cause })));
    const onClose = (code: number, reason: Buffer): void => {
      const said = /^(\w+): (.*)$/.exec(reason.toString());
      give(
        code === FORBIDDEN || code === UNAUTHORIZED
          ? new Failure(
              code === FORBIDDEN ? 'forbidden' : 'unauthorized',
              said?.[2] ?? 'This cloud does not let this device in.',
            )
          : new Failure('not_ready', said?.[2] ?? `${address.host} ended the connection.`),
      );
    };
    ws.on('close', onClose);
    ws.on('unexpected-response', (_request, response) => {
      response.resume();
      const { statusCode } = response;
      if (statusCode === 401)
        give(
          new Failure('unauthorized', 'The token of this cloud is not right. Copy the address from its screen again.'),
        );
      else if (statusCode === 403)
        give(new Failure('forbidden', `${address.host} answers to another name. Use the address that it printed.`));
      else if (statusCode !== undefined && statusCode < 500)
        give(new Failure('bad_request', `${address.origin.replace(/^ws/, 'http')} is no MarkCo cloud.`));
      else give(new Failure('not_ready', `${address.host} answers with ${statusCode ?? 'nothing'}.`));
    });
    ws.on('open', () => ws.send(JSON.stringify({ op: 'hello', ...hello })));
    ws.once('message', (data, isBinary) => {
      const hello = isBinary ? undefined : HelloSchema.safeParse(parse(String(data)));
      if (hello?.success !== true) return give(new Failure('bad_request', `${address.host} is no MarkCo cloud.`));
      settle();
      // In this turn: the next message may be here already.
      // A mode of a later version is passed over.
      const mode = SyncModeSchema.safeParse(hello.data.mode).data ?? USUAL_SYNC_MODE;
      const cloud = hello.data.deviceId;
      resolve({ stream: cloudStream(ws), cloud, mode });
    });
    function settle(): void {
      signal.removeEventListener('abort', onAbort);
      ws.removeAllListeners();
      // Whatever breaks from now on also closes.
      ws.on('error', () => undefined);
    }
  });
}

/** What `listen/connection.ts` closes with for `forbidden`. */
const FORBIDDEN = 4403;
/** The same for `unauthorized`. */
const UNAUTHORIZED = 4401;

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
