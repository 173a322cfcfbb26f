/**
 * Questions of one turn of the loop are asked as one: who opens thousands of documents waits for a few answers of the
 * database instead of thousands.
 */

/** Of more the others are asked for at the same time, in a question of their own. */
const TOGETHER_MAX = 32;

type Asked<Q, A> = { readonly question: Q; resolve(answer: A): void; reject(cause: unknown): void };

/** @param ask answers all of them, in their order */
export function askTogether<Q, A>(
  ask: (questions: readonly Q[]) => Promise<readonly A[]>,
  later: (work: () => void) => void = setImmediate,
): (question: Q) => Promise<A> {
  let waiting: Asked<Q, A>[] = [];

  async function answer(group: readonly Asked<Q, A>[]): Promise<void> {
    try {
      const answers = await ask(group.map(({ question }) => question));
      for (const [at, { resolve }] of group.entries()) resolve(answers[at] as A);
    } catch (cause) {
      const [first, ...others] = group;
      if (others.length === 0) return first?.reject(cause);
      // One of them may be too much; the others are not to fail with it.
      await Promise.all(group.map((each) => answer([each])));
    }
  }

  function askAll(): void {
    const asked = waiting;
    waiting = [];
    for (let at = 0; at < asked.length; at += TOGETHER_MAX) void answer(asked.slice(at, at + TOGETHER_MAX));
  }

  return (question) =>
    new Promise((resolve, reject) => {
      if (waiting.push({ question, resolve, reject }) === 1) later(askAll);
    });
}
