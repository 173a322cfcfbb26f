/** What log and metrics say of runs that go to plain agents, under the names of the other parts of MarkCo. */
import type { Run } from '@markco/protocol';
import type { AgentsParts } from '../agents/agents.ts';
import type { Metrics } from './metrics.ts';

type Log = { info(event: string, fields: Readonly<Record<string, string | number>>): void };

export function agentObserver(
  metrics: Pick<Metrics, 'runsRouted' | 'remoteRuns' | 'agentMessagesRefused'>,
  log: Log,
): Pick<AgentsParts, 'onRouted' | 'onRunEnd' | 'onBad'> {
  const idsOf = ({ id, userId, projectId, routedTo }: Run) => ({
    ...{ run_id: id, user_id: userId, project_id: projectId, route_target: 'agent' },
    ...(routedTo.deviceId === undefined ? {} : { device_id: routedTo.deviceId }),
  });
  return {
    onRouted(run, reason, docPath) {
      metrics.runsRouted.inc({ host_type: 'device', reason });
      log.info('run.routed', { ...idsOf(run), reason, ...(docPath === undefined ? {} : { doc_path: docPath }) });
    },
    onRunEnd(run) {
      const outcome = run.error?.type === 'lost' ? 'lost' : run.state;
      metrics.remoteRuns.inc({ target: 'agent', outcome });
      log.info('run.ended', { ...idsOf(run), reason: outcome });
    },
    onBad: (reason) => metrics.agentMessagesRefused.inc({ reason }),
  };
}
