/**
 * Questions about code and names: answered by the live session, also while it runs something; by what is known of the
 * language where there is no session, it does not run, or its interpreter does not answer this.
 *
 * An interpreter that is too busy to answer is `not_ready`, except where the answer itself can say that little is known.
 */
import { Failure, type Answer, type Question, type QuestionKind } from '@markco/protocol';
import type { Runs } from '../runs/runs.ts';
import type { MrpSessions } from './sessions.ts';
import { completeStatically } from './static-answers.ts';

export type Ask = <K extends QuestionKind>(
  session: string | undefined,
  kind: K,
  question: Question<K>,
  signal: AbortSignal,
  /** What is said when nobody can be asked. */
  otherwise: () => Answer<K>,
) => Promise<Answer<K>>;

const SAYS_ITSELF: readonly QuestionKind[] = ['complete', 'isComplete'];

export function createAsk(parts: {
  readonly runs: Pick<Runs, 'sessions'>;
  readonly sessions: Pick<MrpSessions, 'find'>;
}): Ask {
  return async (name, kind, question, signal, otherwise) => {
    const session = await parts.sessions.find(name);
    if (session?.state !== 'running') return otherwise();
    try {
      return await parts.runs.sessions.ask(session.id, kind, question, signal);
    } catch (error) {
      const { code } = Failure.from(error);
      if (code === 'unsupported' || (code === 'not_ready' && SAYS_ITSELF.includes(kind))) return otherwise();
      throw error;
    }
  };
}

/** The answers of a session that does not run. */
export const UNASKED = {
  complete: completeStatically,
  inspect: (): Answer<'inspect'> => ({ found: false, source: 'static' }),
  hover: (): Answer<'hover'> => ({ found: false }),
  variables: (): Answer<'variables'> => ({ variables: [], count: 0, truncated: false }),
  variable(name: string): never {
    throw new Failure('not_found', `There is no variable ${name.slice(0, 100)}: the session is not running.`);
  },
  isComplete: (): Answer<'isComplete'> => ({ status: 'unknown', indent: '' }),
  format: (code: string): Answer<'format'> => ({ formatted: code, changed: false }),
} as const;
