/**
 * Plain agents of a cloud, for a page whose browser is one of the user's devices: runs on them are the cloud's, all others
 * those of the devices. An agent takes a run only when a person or a cell names it.
 */
import type { Decision, DeviceHere, Run, RunId, SessionId } from '@markco/protocol';
import type { CallAnswer, CallInput } from '../api.ts';
import type { Client } from '../client.ts';

const KNOWN_MAX = 2_000;

export type CloudAgents = {
  /** Whether a run, or a session, is one of theirs. */
  has(id: RunId | SessionId | string): boolean;
  /** Answers with the run. */
  learn(run: Run): Run;
  devices(): Promise<readonly DeviceHere[]>;
  isNamed(runOn: string | undefined): Promise<boolean>;
  runs(input: CallInput<'runs'>): Promise<readonly Run[]>;
  sessions(): Promise<CallAnswer<'sessions'>['sessions']>;
  /** Null where there are none. */
  placement(input: CallInput<'placement'>): Promise<Decision | null>;
};

export function createCloudAgents(server: Pick<Client, 'api'>): CloudAgents {
  const known = new Set<string>();
  function keep(...ids: readonly string[]): void {
    for (const id of ids) known.add(id);
    for (const id of known) {
      if (known.size <= KNOWN_MAX) break;
      known.delete(id);
    }
  }
  function learn(run: Run): Run {
    keep(run.id, run.sessionId);
    return run;
  }
  /** A cloud that does not answer, or is an older one, has none. */
  async function devices(): Promise<readonly DeviceHere[]> {
    const { devices: all } = await server.api('devices', {}).catch(() => ({ devices: [] }));
    return all.filter(({ plainAgent }) => plainAgent === true);
  }

  return {
    has: (id) => known.has(id),
    learn,
    devices,
    async isNamed(runOn) {
      if (runOn === undefined) return false;
      const wanted = runOn.toLowerCase();
      return (await devices()).some(({ id, name }) => id === wanted || name.toLowerCase() === wanted);
    },
    async runs(input) {
      const { runs } = await server.api('runs', input).catch(() => ({ runs: [] }));
      return runs.map(learn);
    },
    async sessions() {
      const { sessions } = await server.api('sessions', {}).catch(() => ({ sessions: [] }));
      keep(...sessions.map(({ id }) => id));
      return sessions;
    },
    async placement(input) {
      if ((await devices()).length === 0) return null;
      const { runOn: _, ...body } = input.body;
      const named = (await this.isNamed(input.body.runOn)) ? input.body : body;
      return server.api('placement', { ...input, body: named }).catch(() => null);
    },
  };
}
