/** Questions and answers on one stream between two devices: one at a time, each answered once. */
import { Failure, FAILURE_STATUS, type FailureCode } from '@markco/protocol';
import type { MessageStream } from '@markco/replica/replicate/message-stream';
import * as z from 'zod/mini';

/** Whoever has been answered says something more within this time, or it is over. */
const SILENT_MS = 60_000;

export type Said = Uint8Array | object;

const FailedSchema = z.object({
  op: z.literal('failed'),
  code: z.enum(Object.keys(FAILURE_STATUS) as [FailureCode, ...FailureCode[]]),
  message: z.string().check(z.maxLength(2_000)),
});

export type Asking = {
  /** Fails as the other device does, and with `not_ready` when it is gone. */
  ask(message: Said, signal: AbortSignal): Promise<Said>;
  close(): void;
};

export function createAsking(stream: MessageStream): Asking {
  let asked: PromiseWithResolvers<Said> | null = null;
  let gone: Failure | null = null;
  stream.onMessage((message) => {
    const said = read(message);
    const failed = FailedSchema.safeParse(said);
    if (failed.success) asked?.reject(new Failure(failed.data.code, failed.data.message));
    else asked?.resolve(said);
  });
  stream.onClose((why) => {
    gone = new Failure('not_ready', 'The other device ended the connection.', { cause: why });
    asked?.reject(gone);
  });
  return {
    async ask(message, signal) {
      if (gone !== null) throw gone;
      signal.throwIfAborted();
      const mine = Promise.withResolvers<Said>();
      asked = mine;
      const onAbort = (): void => mine.reject(Failure.from(signal.reason));
      signal.addEventListener('abort', onAbort, { once: true });
      say(stream, message);
      return mine.promise.finally(() => {
        asked = null;
        signal.removeEventListener('abort', onAbort);
      });
    },
    close: () => stream.close(),
  };
}

/** @param onEnd called once, when nothing more will be asked */
export function answer(stream: MessageStream, to: (said: Said) => Promise<Said>, onEnd: () => void): void {
  let isAnswering = false;
  let silence: NodeJS.Timeout | undefined;
  const listen = (): void => {
    silence = setTimeout(() => stream.abort(new Failure('not_ready', 'Nothing more was said.')), SILENT_MS).unref();
  };
  stream.onMessage((message) => {
    clearTimeout(silence);
    if (isAnswering) return stream.abort(new Failure('bad_request', 'Wait for the answer.'));
    isAnswering = true;
    // In a promise: what cannot be read fails as any other question.
    void Promise.resolve(message)
      .then((bytes) => to(read(bytes)))
      .catch((error: unknown) => {
        const { code, message: text } = Failure.from(error);
        return { op: 'failed', code, message: text };
      })
      .then((said) => {
        isAnswering = false;
        listen();
        say(stream, said);
      });
  });
  stream.onClose(() => {
    clearTimeout(silence);
    onEnd();
  });
  listen();
}

function say(stream: MessageStream, said: Said): void {
  if (said instanceof Uint8Array) stream.sendBytes(said);
  else stream.sendText(JSON.stringify(said));
}

function read(message: Uint8Array | string): Said {
  if (typeof message !== 'string') return message;
  try {
    const said: unknown = JSON.parse(message);
    if (typeof said === 'object' && said !== null) return said;
  } catch {
    // Said below.
  }
  throw new Failure('bad_request', 'A message of another device could not be read.');
}
