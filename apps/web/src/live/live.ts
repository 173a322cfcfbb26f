/**
 * What a session that is alive knows of the code in the editor. Nothing here starts one: where none is alive, or it
 * does not answer, there is no answer, and the editor goes on with what it knows itself.
 */
import type { Api } from '@markco/client';
import {
  codeOptions,
  DEFAULT_SESSION,
  Failure,
  LIMITS,
  sessionName,
  type DocumentId,
  type Run,
  type SessionHere,
} from '@markco/protocol';
import type { ReadonlySignal } from '@preact/signals';
import type { CellPlace, LiveCode, LiveSession } from '../editor/index.ts';

export type LiveParts = {
  readonly api: Api;
  readonly sessions: ReadonlySignal<readonly SessionHere[]>;
  readonly runs: ReadonlySignal<readonly Run[]>;
  /** What this device is called, once that is known. */
  readonly host: ReadonlySignal<{ readonly name: string } | undefined>;
};

export type SessionOf = CellPlace & { readonly projectId: string; readonly documentId: DocumentId };

/** Code that is longer than this is not sent along with every pause of somebody who types. */
const CODE_CHARS_MAX = 100_000;

/**
 * The session that a cell runs in. That of the document's last run which was to go to the same place; else, on the device
 * that the cell names or on this one, the session that all documents share.
 */
export function sessionOf(
  { projectId, documentId, language, on }: SessionOf,
  sessions: readonly SessionHere[],
  runs: readonly Run[],
  hostName: string | undefined,
): SessionHere | undefined {
  const wished = (name: string | null): string | null => {
    const lower = name?.toLowerCase() ?? null;
    return lower === hostName?.toLowerCase() ? null : lower;
  };
  const place = wished(on);
  const isThere = ({ deviceName, hostDeviceId }: SessionHere): boolean =>
    place === null ? deviceName === undefined : deviceName?.toLowerCase() === place || hostDeviceId === place;
  const all = sessions.filter((session) => session.projectId === projectId && session.language === language);
  const there = all.filter(isThere);
  const last = runs.find(
    (run) =>
      run.documentId === documentId &&
      run.language === language &&
      wished(codeOptions(run.code, language).on) === place,
  );
  return (
    // Who named no device was given one, which may be any.
    (place === null ? all : there).find((session) => session.id === last?.sessionId) ??
    there.find((session) => sessionName(session) === DEFAULT_SESSION) ??
    there[0]
  );
}

export type Live = { of(place: Omit<SessionOf, keyof CellPlace>): LiveSession };

export function createLive({ api, sessions, runs, host }: LiveParts): Live {
  const find = (place: SessionOf): SessionHere | undefined =>
    sessionOf(place, sessions.peek(), runs.peek(), host.peek()?.name);
  /** `LANGUAGE KIND` that answered "unsupported": two kinds a language at most. */
  const silent = new Set<string>();

  async function quietly<T>(
    kind: 'complete' | 'inspect',
    place: SessionOf,
    { code }: LiveCode,
    ask: (session: string) => Promise<T>,
  ): Promise<T | null> {
    const session = find(place);
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
      isLive: (cell) => find({ ...place, ...cell })?.state === 'running',
      complete: (cell, code, signal) =>
        quietly('complete', { ...place, ...cell }, code, (session) =>
          api('mrpComplete', { body: { session, ...code, triggerKind: 'invoked' }, signal }),
        ),
      inspect: (cell, code, signal) =>
        quietly('inspect', { ...place, ...cell }, code, (session) =>
          api('mrpInspect', { body: { session, ...code, detail: 1 }, signal }),
        ),
    }),
  };
}
