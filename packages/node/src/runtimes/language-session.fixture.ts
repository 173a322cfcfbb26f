/** For tests: a device whose runs are all in one language, and what such a session says. */
import type { Question, QuestionKind, Run, RunEvent } from '@markco/protocol';
import { finished, testDevice, type TestDevice } from '../runs/runs.fixture.ts';

export type Told = { readonly run: Run; readonly events: RunEvent[]; readonly text: string };
export type LanguageSession = {
  readonly device: TestDevice;
  readonly request: (code: string) => ReturnType<TestDevice['request']>;
  readonly run: (code: string) => Promise<Told>;
  /** What the last value of a cell looks like, or its error. */
  readonly shown: (code: string) => Promise<unknown>;
  readonly ask: <K extends QuestionKind>(kind: K, question: Question<K>) => Promise<unknown>;
};

/** `use` has the session until it resolves. */
export async function withLanguage(language: string, use: (session: LanguageSession) => Promise<void>): Promise<void> {
  await using device = await testDevice();
  const request = (code: string) => {
    const made = device.request(code);
    return { ...made, session: { ...made.session, language } as typeof made.session };
  };
  const run = (code: string) => finished(device.runs, request(code));
  await use({
    device,
    request,
    run,
    async shown(code) {
      const last = (await run(code)).events.at(-1);
      if (last?.type === 'result') return last.payload.data?.['text/plain'] ?? null;
      return last?.type === 'error' ? `${last.payload.type}: ${last.payload.message}` : undefined;
    },
    async ask(kind, question) {
      const id = device.runs.sessions.list()[0]?.id;
      if (id === undefined) throw new Error('there is no session');
      return device.runs.sessions.ask(id, kind, question, AbortSignal.timeout(10_000));
    },
  });
}
