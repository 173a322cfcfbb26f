/** What log, metrics and audit say of plain agents and their runs, under the names of the other parts of MarkCo. */
import type { PlainAgent, Run } from '@markco/protocol';
import type { Audit } from '@markco/replica/observe/audit';
import { createRate } from '../accounts/rate.ts';
import type { AgentsParts } from '../agents/agents.ts';
import type { LogFields } from '../rendezvous-parts.ts';
import type { Metrics } from './metrics.ts';

/** Of one agent. Further ones are counted in the metrics, so that none can push what matters out of the audit. */
const REFUSALS_PER_MINUTE = 5;

export type ObserverParts = {
  readonly metrics: Pick<Metrics, 'runsRouted' | 'remoteRuns' | 'agentMessagesRefused'>;
  readonly log: { info(event: string, fields: LogFields): void };
  readonly audit: Pick<Audit, 'note'>;
  readonly now: () => number;
};

export function agentObserver({
  metrics,
  log,
  audit,
  now,
}: ObserverParts): Pick<AgentsParts, 'onRouted' | 'onRunEnd' | 'onBad'> {
  const refusals = createRate(REFUSALS_PER_MINUTE, now, 'Refused too often to be written down each time.');
  const idsOf = ({ id, userId, projectId, routedTo }: Run) => ({
    ...{ run_id: id, user_id: userId, project_id: projectId, route_target: 'agent' },
    ...(routedTo.deviceId === undefined ? {} : { device_id: routedTo.deviceId }),
  });

  function isToNote(agent: string): boolean {
    try {
      refusals.take(agent);
      return true;
    } catch {
      return false;
    }
  }

  return {
    onRouted(run, reason, docPath) {
      metrics.runsRouted.inc({ host_type: 'device', reason });
      const fields = { ...idsOf(run), reason, ...(docPath === undefined ? {} : { doc_path: docPath }) };
      log.info('run.routed', fields);
      audit.note('run.routed', fields);
    },
    onRunEnd(run) {
      const outcome = run.error?.type === 'lost' ? 'lost' : run.state;
      metrics.remoteRuns.inc({ target: 'agent', outcome });
      log.info('run.ended', { ...idsOf(run), reason: outcome });
    },
    onBad(reason, { agent, userId }: PlainAgent) {
      metrics.agentMessagesRefused.inc({ reason });
      if (isToNote(agent)) audit.note('agent.refused', { device_id: agent, user_id: userId, reason });
    },
  };
}
