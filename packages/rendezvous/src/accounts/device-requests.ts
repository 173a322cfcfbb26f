/**
 * A machine without a browser asks to come in (after RFC 8628): it shows a code of 8 symbols, and somebody who is signed
 * in types it on the page, sees which device asks, and says yes. From then on the device comes in with its key.
 *
 * 1. Whoever types codes that are none is stopped after five in a minute, each account and each address by itself.
 * 2. A code is for one device and one answer, for ten minutes. The device never sees who answered, nor anything else.
 * 3. It lets the device in here. It makes it none of the user's devices: that is for those to say.
 */
import { Failure, newId, type IdSource } from '@markco/protocol';
import type { AccountRow } from './account-row.ts';
import type { Accounts } from './accounts.ts';
import { fingerprintOf } from './device-tokens.ts';
import { createPending } from './pending.ts';
import { createRate } from './rate.ts';

/** RFC 8628 §6.1: no vowels, so that no word comes out; 20 symbols, 8 of them are 34 bits. */
const SYMBOLS = 'BCDFGHJKLMNPQRSTVWXZ';
const CODE_SYMBOLS = 8;
const LASTS_MS = 600_000;
const REQUESTS_MAX = 1_000;
const WRONG_PER_MINUTE = 5;
/** How long a device that asks how it goes waits for an answer. */
const WAIT_MS = 5_000;

type State = 'waiting' | 'approved' | 'declined';
type Request = {
  readonly name: string;
  readonly key: string;
  readonly code: string;
  readonly from: string;
  readonly askedAt: number;
  state: State;
  readonly decided: PromiseWithResolvers<void>;
};
export type Asked = Pick<Request, 'name' | 'from' | 'askedAt'> & {
  readonly fingerprint: string;
  readonly endsAt: number;
};

export type DeviceRequests = {
  ask(
    name: string,
    key: string,
    from: string,
  ): { readonly requestId: string; readonly code: string; readonly fingerprint: string; readonly endsAt: number };
  /** Waits some seconds for a decision. @throws Failure `not_found` when it is over */
  state(requestId: string, signal: AbortSignal): Promise<State>;
  /** @throws Failure `not_found` for a code that is none, `too_many` for whoever typed too many of those */
  look(typed: string, account: string, from: string): Asked;
  approve(typed: string, account: string, from: string): Promise<AccountRow>;
  decline(typed: string, account: string, from: string): void;
};

export function createDeviceRequests({
  accounts,
  ids,
}: {
  readonly accounts: Accounts;
  readonly ids: IdSource;
}): DeviceRequests {
  const requests = createPending<Request>({ ...ids, max: REQUESTS_MAX, lastsMs: LASTS_MS });
  const byCode = new Map<string, string>();
  const wrong = createRate(
    WRONG_PER_MINUTE,
    ids.now,
    'Too many codes that are none were typed. Wait a minute, then type what the device shows.',
  );

  function newCode(): string {
    let code = '';
    // 240 of 256 values, so that each symbol is as likely as any other.
    while (code.length < CODE_SYMBOLS)
      for (const byte of ids.randomBytes(16)) if (byte < 240 && code.length < CODE_SYMBOLS) code += SYMBOLS[byte % 20];
    return code;
  }

  function find(typed: string, account: string, from: string): Request {
    const guessers = [`account ${account}`, `address ${from}`];
    for (const guesser of guessers) wrong.require(guesser);
    const code = typed.toUpperCase().replaceAll(/[^A-Z]/g, '');
    const request = requests.peek(byCode.get(code) ?? '');
    if (request?.state === 'waiting') return request;
    for (const guesser of guessers) wrong.take(guesser);
    throw new Failure(
      'not_found',
      'No device shows this code now. Look at its screen again; a code lasts ten minutes.',
    );
  }

  function decide(request: Request, state: 'approved' | 'declined'): void {
    request.state = state;
    byCode.delete(request.code);
    request.decided.resolve();
  }

  return {
    ask(name, key, from) {
      for (const [code, id] of byCode) if (requests.peek(id) === undefined) byCode.delete(code);
      let code = newCode();
      while (byCode.has(code)) code = newCode();
      const request: Request = {
        ...{ name, key, code, from, askedAt: ids.now(), state: 'waiting' },
        decided: Promise.withResolvers(),
      };
      const requestId = requests.put(request);
      byCode.set(code, requestId);
      return {
        ...{ requestId, fingerprint: fingerprintOf(key), endsAt: ids.now() + LASTS_MS },
        code: `${code.slice(0, 4)}-${code.slice(4)}`,
      };
    },
    async state(requestId, signal) {
      const request = requests.peek(requestId);
      if (request === undefined) throw new Failure('not_found', 'Nobody let this device in in time. Ask again.');
      if (request.state === 'waiting')
        await Promise.race([
          request.decided.promise,
          new Promise<void>((resolve) => {
            const timer = setTimeout(resolve, WAIT_MS);
            timer.unref();
            signal.addEventListener('abort', () => resolve(), { once: true });
          }),
        ]);
      return request.state;
    },
    look(typed, account, from) {
      const { name, key, askedAt, from: asksFrom } = find(typed, account, from);
      return { name, from: asksFrom, askedAt, fingerprint: fingerprintOf(key), endsAt: askedAt + LASTS_MS };
    },
    async approve(typed, account, from) {
      const request = find(typed, account, from);
      const { name, key } = request;
      const changed = await accounts.change(account, (now) => ({
        ...now,
        devices: [
          ...now.devices.filter((device) => device.key !== key),
          { id: newId(ids), key, name, createdAt: ids.now() },
        ],
      }));
      decide(request, 'approved');
      return changed;
    },
    decline: (typed, account, from) => decide(find(typed, account, from), 'declined'),
  };
}
