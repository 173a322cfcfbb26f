/** The MRMD Runtime Protocol over HTTP: the sessions and runs of this device, seen as one runtime. */
import { DEFAULT_SESSION, LIMITS, newId, type IdSource, type Language, type RunId } from '@markco/protocol';
import { createAsk, UNASKED } from '../../mrp/ask.ts';
import { assetsHere, readAsset } from '../../mrp/assets.ts';
import { createSession } from '../../mrp/create-session.ts';
import { createDescriptions } from '../../mrp/describe.ts';
import { createExecution, type ExecutionParts } from '../../mrp/execution.ts';
import { featuresOf } from '../../mrp/features.ts';
import { historyOf } from '../../mrp/history.ts';
import { createMrpSessions } from '../../mrp/sessions.ts';
import { sseResponse } from '../../mrp/sse.ts';
import type { Projects } from '../../projects/projects.ts';
import type { Runs } from '../../runs/runs.ts';
import { runtimeFor } from '../../runtimes/descriptor.ts';
import type { SessionFor } from '../../submit.ts';
import type { Handlers, SomeHandlers } from '@markco/replica/listen/handlers';
import type { ProjectRoutesParts } from './projects.ts';

type MrpName = Extract<keyof Handlers, `mrp${string}`>;

export type MrpRoutesParts = {
  readonly runs: Runs;
  readonly projects: Projects;
  readonly ids: IdSource;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  readonly home: string;
  readonly sessionFor: SessionFor;
  /** How code is run for sessions of other devices too. */
  readonly anywhere: (here: ExecutionParts) => ExecutionParts;
  readonly readFile: ProjectRoutesParts['readFile'];
  readonly runtimes: () => Promise<readonly { readonly language: string; readonly available: boolean }[]>;
};

const CLIENT_LEFT = 499;

export function mrpRoutes({
  runs,
  projects,
  ids,
  env,
  version,
  home,
  sessionFor,
  anywhere,
  readFile,
  runtimes,
}: MrpRoutesParts): SomeHandlers<MrpName> {
  const sessions = createMrpSessions({ runs, projects, sessionFor, runtimeFor });
  const descriptions = createDescriptions({ runs, projects, sessions, env, home, sessionFor, runtimeFor });
  const { executionCount, environmentOf } = descriptions;
  const newRunId = (): RunId => newId<RunId>(ids);
  const execution = createExecution(
    anywhere({
      ...{ runs, sessions, executionCount, newRunId },
      currentRun: ({ id }) => runs.sessions.load(id).currentRun,
      interruptSession: runs.sessions.interrupt,
      assetsOf: assetsHere(projects),
    }),
  );
  const ask = createAsk({ runs, sessions });
  const named = (params: Readonly<Record<string, string>>): string => params['session'] ?? '';

  return {
    async mrpCapabilities() {
      const languages = (await runtimes()).filter(({ available }) => available).map(({ language }) => language);
      const [first = 'python'] = languages;
      const features = (language: string): Record<string, boolean> =>
        featuresOf(runtimeFor(language) ?? { answers: [] });
      const { version: _, ...environment } = await environmentOf(first as Language, sessions.firstProject()?.id);
      return {
        runtime: 'markco',
        version,
        languages,
        features: features(first),
        languageFeatures: Object.fromEntries(languages.map((language) => [language, features(language)])),
        defaultSession: DEFAULT_SESSION,
        maxSessions: LIMITS.sessionsMax,
        environment,
      };
    },
    mrpSessions: async () => ({ sessions: await descriptions.all() }),
    async mrpCreateSession({ body }) {
      const made = await createSession({ runs, projects, sessions, ids, env, runtimeFor, environmentOf }, body);
      return descriptions.one(made);
    },
    mrpSession: async ({ params }) => descriptions.one(await sessions.require(named(params))),
    async mrpDeleteSession({ params }) {
      await runs.sessions.remove((await sessions.require(named(params))).id);
      return {};
    },
    async mrpResetSession({ params, signal }) {
      const session = await sessions.require(named(params));
      if (session.state === 'running') await runs.sessions.ask(session.id, 'reset', {}, signal);
      return descriptions.one(session);
    },

    async mrpExecute({ body, signal }) {
      const submitted = await execution.submit(body);
      // Who has left gets no answer; the run goes on, and nothing is wrong.
      return execution.whole(submitted, signal).catch((error: unknown) => {
        if (signal.aborted) return new Response(null, { status: CLIENT_LEFT });
        throw error;
      });
    },
    async mrpExecuteStream({ body, query }) {
      const stop = new AbortController();
      const accumulated = query.accumulated === '1' || query.accumulated === 'true';
      return sseResponse(execution.events(await execution.submit(body), accumulated, stop.signal), stop);
    },
    mrpInput: ({ body }) => execution.input(body.session, body.exec_id, body.text),
    mrpInterrupt: async ({ body }) => ({ interrupted: await execution.interrupt(body.session) }),

    mrpComplete: ({ body: { session, ...question }, signal }) =>
      ask(session, 'complete', question, signal, () =>
        UNASKED.complete(question.code, question.cursor, sessions.languageFor(session)),
      ),
    mrpInspect: ({ body: { session, ...question }, signal }) =>
      ask(session, 'inspect', question, signal, UNASKED.inspect),
    mrpHover: ({ body: { session, ...question }, signal }) => ask(session, 'hover', question, signal, UNASKED.hover),
    mrpVariables: ({ body: { session, ...question }, signal }) =>
      ask(session, 'variables', question, signal, UNASKED.variables),
    mrpVariable({ params, body: { session, ...question }, signal }) {
      const name = params['name'] ?? '';
      return ask(session, 'variable', { name, ...question }, signal, () => UNASKED.variable(name));
    },
    mrpIsComplete: ({ body: { session, ...question }, signal }) =>
      ask(session, 'isComplete', question, signal, UNASKED.isComplete),
    mrpFormat: ({ body: { session, ...question }, signal }) =>
      ask(session, 'format', question, signal, () => UNASKED.format(question.code)),

    async mrpHistory({ body: { session, ...query } }) {
      const found = await sessions.find(session);
      if (found === null) return { entries: [], hasMore: false };
      return historyOf(runs, found.id, query);
    },
    mrpRunAssets: async ({ params }) => ({ assets: await execution.assets(params['id'] as RunId) }),
    mrpAsset: ({ request }) => readAsset({ projects, sessions, readFile }, request),
  };
}
