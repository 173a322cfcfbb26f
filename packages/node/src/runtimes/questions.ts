/** The questions a session's interpreter is being asked: sent with a number, answered in any order, bounded in number and time. */
import {
  ANSWERS,
  Failure,
  LIMITS,
  type Answer,
  type FailureCode,
  type Question,
  type QuestionKind,
} from '@markco/protocol';
import type { RuntimeDescriptor } from './runtime.ts';
import type { WorkerLink, WorkerOrder } from './worker-link.ts';

type Told = { readonly answer?: unknown; readonly problem?: string | undefined; readonly code?: FailureCode };

/** What a session means that answers with a sentence instead: `not_ready` unless it says something of its own. */
const PROBLEMS: Partial<Record<QuestionKind, FailureCode>> = {
  variable: 'not_found',
  format: 'runtime_missing',
  reset: 'conflict',
};

export type Questions = ReturnType<typeof createQuestions>;

export function createQuestions({ label, answers }: Pick<RuntimeDescriptor, 'label' | 'answers'>) {
  const waiting = new Map<number, (told: Told) => void>();
  let next = 0;

  /** Sends an order that is `told` an answer. `busy` is the sentence when none comes. */
  async function order(
    to: WorkerLink,
    make: (ref: number) => WorkerOrder,
    busy: string,
    until: AbortSignal,
  ): Promise<Told> {
    const ref = next++;
    const { promise, resolve, reject } = Promise.withResolvers<Told>();
    const abort = (): void => reject(new Failure('not_ready', busy));
    until.addEventListener('abort', abort, { once: true });
    waiting.set(ref, resolve);
    try {
      to.send(make(ref));
      return await promise;
    } finally {
      waiting.delete(ref);
      until.removeEventListener('abort', abort);
    }
  }

  return {
    order,

    /**
     * `not_ready` when there is no interpreter or it does not answer in time, `unsupported` when its kind does not
     * answer this, `too_many` while LIMITS.questionsMax wait; else what PROBLEMS says.
     */
    async ask<K extends QuestionKind>(
      to: WorkerLink | null,
      kind: K,
      question: Question<K>,
      signal: AbortSignal,
    ): Promise<Answer<K>> {
      if (!answers.includes(kind)) throw new Failure('unsupported', `${label} does not answer this.`);
      if (to === null) throw new Failure('not_ready', `${label} is not running. Run a cell to start it.`);
      if (waiting.size >= LIMITS.questionsMax)
        throw new Failure('too_many', `${label} has ${LIMITS.questionsMax} questions waiting. Ask again in a moment.`);
      const until = AbortSignal.any([signal, AbortSignal.timeout(LIMITS.questionTimeoutMs)]);
      const busy = `${label} is busy and does not answer now.`;
      const told = await order(to, (ref) => ({ op: 'ask', kind, question, ref }), busy, until);
      if (told.problem !== undefined) throw new Failure(told.code ?? PROBLEMS[kind] ?? 'not_ready', told.problem);
      return ANSWERS[kind].parse(told.answer) as Answer<K>;
    },

    told: (ref: number, told: Told): void => waiting.get(ref)?.(told),

    /** Nobody answers any more. */
    fail(problem: string): void {
      for (const tell of waiting.values()) tell({ problem, code: 'not_ready' });
    },
  };
}
