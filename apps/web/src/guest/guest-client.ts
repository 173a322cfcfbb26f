/**
 * The client of a guest's page: what the page asks of whoever it belongs to, and a link does not lead to, is answered
 * here with nothing, so that nothing is asked in vain. The cloud refuses it too.
 */
import type { Api, CallAnswer, CallInput, Client } from '@markco/client';
import { Failure, type RouteName } from '@markco/protocol';

type Answers = { readonly [N in RouteName]?: (input: CallInput<N>) => Promise<CallAnswer<N>> };

const noRuns = (): Promise<never> =>
  Promise.reject(new Failure('forbidden', 'Cells are run by whoever shared this, not by a link.'));

/** @param cloud what it is called */
export function guestClient(server: Client, cloud: string): Client {
  const answers: Answers = {
    projects: async () => ({ projects: [(await server.api('joined', {})).project] }),
    async documents(input) {
      const { document, copy, project } = await server.api('joined', {});
      const known = [document, copy].filter((each) => each !== undefined);
      if (document !== undefined) return { documents: project.id === input.params.id ? known : [] };
      return server.api('documents', input);
    },
    async device() {
      const { project } = await server.api('joined', {});
      const { userId, createdAt } = project;
      return {
        device: {
          ...{ id: project.id as never, userId, kind: 'server-agent', name: cloud, appVersion: '0' },
          ...{ status: 'online', lastSeenAt: createdAt, createdAt },
        },
        user: { id: userId, email: 'user@localhost', plan: 'free', createdAt },
        ...{ version: '0', runtimes: [], home: '' },
      };
    },
    runs: () => Promise.resolve({ runs: [] }),
    sessions: () => Promise.resolve({ sessions: [] }),
    devices: () => Promise.resolve({ devices: [] }),
    projectsElsewhere: () => Promise.resolve({ projects: [] }),
    placement: noRuns,
  };
  const api: Api = (name, input) => {
    const answer = answers[name] as ((input: unknown) => Promise<never>) | undefined;
    return answer === undefined ? server.api(name, input) : answer(input);
  };
  return { ...server, api, submitRun: noRuns, cancelRun: noRuns, answerRun: noRuns, interruptSession: noRuns };
}
