/** The routes of sessions, for whoever asks this device: what is about a session of another one is asked there. */
import { Failure } from '@markco/protocol';
import type { Handler, SomeHandlers } from '@markco/replica/listen/handlers';
import { PASSED_ON, type PassedOn, type SessionsAnywhere } from './sessions-anywhere.ts';

/** Whose answer can itself say that little is known. */
const SAYS_ITSELF: readonly PassedOn[] = ['mrpComplete', 'mrpIsComplete'];

type Passing = SomeHandlers<PassedOn | 'sessions' | 'mrpSessions'>;

/** @param here what answers for the sessions of this device, and for those that nobody has */
export function passOnSessions(
  here: Passing,
  anywhere: Pick<SessionsAnywhere, 'placeOf' | 'passOn' | 'list' | 'describe'>,
): Passing {
  function passing<N extends PassedOn>(name: N): Handler<N> {
    const answerHere = here[name] as Handler<N>;
    return async (input) => {
      const device = await anywhere.placeOf(sessionOf(input));
      if (device === null) return answerHere(input);
      const { params, body, signal } = input;
      const answer = await anywhere.passOn(device, name, { params, body } as never, signal).catch((error: unknown) => {
        if (SAYS_ITSELF.includes(name) && error instanceof Failure && error.code === 'not_ready') return null;
        throw error;
      });
      // Without the session, what is known of the language alone.
      if (answer === null) return answerHere(input);
      // Elsewhere it has a name of there, which means another session here.
      return (
        name === 'mrpSession' || name === 'mrpResetSession' ? { ...(answer as object), id: sessionOf(input) } : answer
      ) as Awaited<ReturnType<Handler<N>>>;
    };
  }
  return {
    ...(Object.fromEntries(PASSED_ON.map((name) => [name, passing(name)])) as SomeHandlers<PassedOn>),
    async sessions(input) {
      const [mine, theirs] = await Promise.all([here.sessions(input), anywhere.list()]);
      const { sessions } = mine as unknown as { readonly sessions: typeof theirs.sessions };
      return { sessions: [...sessions, ...theirs.sessions], silentDevices: [...theirs.silent] };
    },
    async mrpSessions(input) {
      const [mine, theirs] = await Promise.all([here.mrpSessions(input), anywhere.describe()]);
      const { sessions } = mine as unknown as { readonly sessions: typeof theirs };
      return { sessions: [...sessions, ...theirs] };
    },
  };
}

/** The session that a request is about, in whichever of the three places its route has it. */
export function sessionOf({
  params,
  body,
}: {
  readonly params: Readonly<Record<string, string>>;
  readonly body: unknown;
}): string | undefined {
  return params['session'] ?? params['id'] ?? (body as { readonly session?: string } | undefined)?.session;
}
