/**
 * Asking a cloud to let this device in, without a token: the device shows a code, a person types it on the page of the
 * cloud, and says yes. One at a time.
 */
import { Failure, type CloudAsk } from '@markco/protocol';
import { cloudApi } from './cloud-api.ts';
import { keyText, type CloudKey } from './cloud-key.ts';

/** How long who asks how it goes waits for an answer. */
const WAIT_MS = 5_000;
const AGAIN_MS = 2_000;

export type CloudAsking = {
  /** @throws Failure of `cloudApi`; then nothing has changed */
  ask(url: string, signal: AbortSignal): Promise<CloudAsk>;
  /** Resolves once it is decided, or after some seconds. */
  state(signal: AbortSignal): Promise<CloudAsk>;
  giveUp(): void;
};

export function createCloudAsking({
  key,
  name,
  join,
}: {
  readonly key: CloudKey;
  /** What this device is called. */
  readonly name: () => string;
  /** This device was let in. */
  readonly join: (url: string) => Promise<unknown>;
}): CloudAsking {
  let state: CloudAsk = { state: 'none' };
  let stop = new AbortController();
  let decided = Promise.withResolvers<void>();

  function become(next: CloudAsk): void {
    state = next;
    decided.resolve();
  }

  async function wait(url: string, requestId: string, signal: AbortSignal): Promise<void> {
    const api = cloudApi(url);
    for (;;) {
      try {
        const answer = await api('deviceRequestState', { params: { request: requestId }, signal });
        if (answer.state === 'declined') return become({ state: 'declined' });
        if (answer.state === 'approved') {
          await join(url);
          return become({ state: 'joined' });
        }
      } catch (error) {
        if (signal.aborted) return;
        const failure = Failure.from(error);
        // It may only be away for a moment; that the code is over is what it says itself.
        if (!failure.retryable) return become({ state: 'failed', why: failure.message });
        await pause(AGAIN_MS, signal);
      }
      if (signal.aborted) return;
    }
  }

  function giveUp(): void {
    stop.abort();
    if (state.state === 'waiting') become({ state: 'none' });
  }

  return {
    async ask(url, signal) {
      const asked = await cloudApi(url)('requestDevice', {
        body: { name: name().slice(0, 200), key: keyText(await key()) },
        signal,
      });
      giveUp();
      stop = new AbortController();
      decided = Promise.withResolvers();
      const { code, fingerprint, endsAt } = asked;
      state = { state: 'waiting', page: new URL('/device', url).href, code, fingerprint, endsAt };
      void wait(url, asked.requestId, stop.signal);
      return state;
    },
    async state(signal) {
      if (state.state === 'waiting') await Promise.race([decided.promise, pause(WAIT_MS, signal)]);
      return state;
    },
    giveUp,
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    timer.unref();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
