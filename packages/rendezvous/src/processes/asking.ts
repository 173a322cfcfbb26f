/**
 * Questions of one process to another, over what promises nothing: each is answered once, or given up after a while.
 *
 * They are sealed with a key that the processes of one cloud have and the servers between them have not: these can lose
 * them, and neither read them nor make some up. One that comes twice is answered once.
 */
import { Failure, FAILURE_STATUS, type FailureCode } from '@markco/protocol';
import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';

const ANSWER_MS = 8_000;
const ASKED_MAX = 1_000;
const KNOWN_MAX = 1_000;
const IV_BYTES = 12;
const TAG_BYTES = 16;

type Envelope = {
  /** For whom. */
  readonly to: string;
  readonly seq: number;
  readonly sealed: Uint8Array;
};
export type Sealed = (Envelope & { readonly kind: 'ask' }) | (Envelope & { readonly kind: 'answer' });

export type AskingParts = {
  /** What all processes of the cloud know, and nobody else. */
  readonly secret: string;
  /** Who this process is: another one after each start. */
  readonly process: string;
  readonly randomBytes: (count: number) => Uint8Array;
  /** False when it went nowhere. */
  readonly tell: (message: Sealed) => Promise<boolean>;
  readonly onAsk: (question: unknown) => Promise<unknown>;
};

export type Asking = ReturnType<typeof createAsking>;

export function createAsking({ secret, process, randomBytes, tell, onAsk }: AskingParts) {
  const key = createHash('sha256').update(`questions between processes ${secret}`).digest();
  const asked = new Map<number, { readonly by: string; readonly settle: (answer: unknown) => void }>();
  /** The last question of each process that was answered. */
  const answered = new Map<string, number>();
  let count = 0;
  const about = (kind: string, from: string, to: string, seq: number): Buffer =>
    Buffer.from([kind, from, to, seq].join(' '));

  function say(kind: Sealed['kind'], to: string, seq: number, value: unknown): Promise<boolean> {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(about(kind, process, to, seq));
    const text = Buffer.concat([cipher.update(JSON.stringify(value ?? null)), cipher.final()]);
    return tell({ kind, to, seq, sealed: Buffer.concat([iv, cipher.getAuthTag(), text]) });
  }

  /** Throws for what was not said by a process of this cloud. */
  function open(from: string, { kind, to, seq, sealed }: Sealed): unknown {
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES })
      .setAAD(about(kind, from, to, seq))
      .setAuthTag(sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
    const text = Buffer.concat([decipher.update(sealed.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]);
    return JSON.parse(text.toString());
  }

  async function answer(from: string, seq: number, question: unknown): Promise<void> {
    if (seq <= (answered.get(from) ?? 0)) return;
    answered.delete(from);
    answered.set(from, seq);
    const [oldest] = answered.keys();
    if (answered.size > KNOWN_MAX && oldest !== undefined) answered.delete(oldest);
    const said = await onAsk(question).then(
      (value) => ({ value }),
      (error: unknown) => {
        const { code, message, retryable } = Failure.from(error);
        return { failure: { code, message, retryable } };
      },
    );
    await say('answer', from, seq, said);
  }

  return {
    /** @throws Failure of who was asked; `not_ready` when it does not answer */
    ask(to: string, question: unknown): Promise<unknown> {
      const away = (): Failure =>
        new Failure('not_ready', 'The processes of this cloud do not reach each other now. Try again in a moment.');
      if (asked.size >= ASKED_MAX) return Promise.reject(away());
      const seq = ++count;
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          asked.delete(seq);
          reject(away());
        }, ANSWER_MS);
        const settle = (said: unknown): void => {
          asked.delete(seq);
          clearTimeout(timer);
          const failure = failureIn(said);
          if (failure === undefined)
            resolve(typeof said === 'object' && said !== null && 'value' in said ? said.value : null);
          else reject(failure);
        };
        asked.set(seq, { by: to, settle });
        say('ask', to, seq, question).then(
          (isSaid) => {
            if (!isSaid) settle({ failure: away() });
          },
          () => settle({ failure: away() }),
        );
      });
    },

    hear(from: string, message: Sealed): void {
      if (message.to !== process) return;
      const value = open(from, message);
      if (message.kind === 'ask') void answer(from, message.seq, value).catch(() => undefined);
      else if (asked.get(message.seq)?.by === from) asked.get(message.seq)?.settle(value);
    },
  };
}

function failureIn(said: unknown): Failure | undefined {
  if (typeof said !== 'object' || said === null || !('failure' in said)) return undefined;
  const { failure } = said;
  if (failure instanceof Failure) return failure;
  const { code, message, retryable } = (failure ?? {}) as Partial<Failure>;
  const isCode = (each: unknown): each is FailureCode => typeof each === 'string' && each in FAILURE_STATUS;
  return new Failure(isCode(code) ? code : 'internal', String(message), { retryable: retryable === true });
}
