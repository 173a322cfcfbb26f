/**
 * What a session that is alive knows of the code in the editor. Nothing here starts one: where none is alive, or it
 * does not answer, there is no answer, and the editor goes on with what it knows itself.
 */
import type { Api } from '@markco/client';
import {
  DEFAULT_SESSION,
  Failure,
  LIMITS,
  sessionName,
  type DocumentId,
  type Run,
  type SessionHere,
} from '@markco/protocol';
import type { ReadonlySignal } from '@preact/signals';
import type { LiveCode, LiveSession } from '../editor/index.ts';

export type LiveParts = {
  readonly api: Api;
  readonly sessions: ReadonlySignal<readonly SessionHere[]>;
  readonly runs: ReadonlySignal<readonly Run[]>;
};

export type SessionOf = { readonly projectId: string; readonly documentId: DocumentId; readonly language: string };

/** Code that is longer than this is not sent along with every pause of somebody who types. */
const CODE_CHARS_MAX = 100_000;

/** The session a document's cells of a language run in: that of its last run, else the one all documents share. */
export function sessionOf(
  { projectId, documentId, language }: SessionOf,
  sessions: readonly SessionHere[],
  runs: readonly Run[],
): SessionHere | undefined {
  const here = sessions.filter((session) => session.projectId === projectId && session.language === language);
  const last = runs.find((run) => run.documentId === documentId && run.language === language);
  return (
    here.find((session) => session.id === last?.sessionId) ??
    here.find((session) => sessionName(session) === DEFAULT_SESSION) ??
    here[0]
  );
}

export type Live = { of(place: Omit<SessionOf, 'language'>): LiveSession };

export function createLive({ api, sessions, runs }: LiveParts): Live {
  /** `LANGUAGE KIND` that answered "unsupported": two kinds a language at most. */
  const silent = new Set<string>();

  async function quietly<T>(
    kind: 'complete' | 'inspect',
    place: SessionOf,
    { code }: LiveCode,
    ask: (session: string) => Promise<T>,
  ): Promise<T | null> {
    const session = sessionOf(place, sessions.peek(), runs.peek());
    const key = `${place.language} ${kind}`;
    if (session?.state !== 'running' || silent.has(key)) return null;
    if (code.length > Math.min(CODE_CHARS_MAX, LIMITS.codeBytesMax)) return null;
    try {
      return await ask(session.id);
    } catch (error) {
      if (error instanceof Failure && error.code === 'unsupported') silent.add(key);
      return null;
    }
  }

  return {
    of: (place) => ({
      isLive: (language) => sessionOf({ ...place, language }, sessions.peek(), runs.peek())?.state === 'running',
      complete: (language, code, signal) =>
        quietly('complete', { ...place, language }, code, (session) =>
          api('mrpComplete', { body: { session, ...code, triggerKind: 'invoked' }, signal }),
        ),
      inspect: (language, code, signal) =>
        quietly('inspect', { ...place, language }, code, (session) =>
          api('mrpInspect', { body: { session, ...code, detail: 1 }, signal }),
        ),
    }),
  };
}
