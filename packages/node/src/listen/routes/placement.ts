/** Over HTTP: where a run would go, where one went, and why. */
import { Failure, type Decision, type RunId } from '@markco/protocol';
import { explain, type DecisionRecord } from '@markco/scheduler';
import type { Others } from '../../mesh/others.ts';
import type { SomeHandlers } from '../handlers.ts';

export function placementRoutes({
  others,
}: {
  readonly others: Pick<Others, 'known'>;
}): SomeHandlers<'placement' | 'runDecision'> {
  return {
    async placement({ body }) {
      const open = await others.known();
      if (open === null) throw new Failure('not_found', 'This is your only device: every run goes to it.');
      return decisionOf(await open.placing.preview(body));
    },
    async runDecision({ params }) {
      const record = (await others.known())?.placing.decisions.get(params['id'] as RunId) ?? null;
      if (record === null)
        throw new Failure(
          'not_found',
          'Why this run went where it went is not known here: another device placed it, it is old, or there was no choice.',
        );
      return decisionOf(record);
    },
  };
}

function decisionOf(record: DecisionRecord): Decision {
  const { at, why, chosen, reason, newSession, waitsFor, devices, devicesLeftOut } = record;
  const [, ...lines] = explain(record, (iso) => iso);
  return {
    ...{ at, why, newSession, devicesLeftOut },
    ...(chosen === null ? {} : { chosen }),
    ...(reason === null ? {} : { reason }),
    ...(waitsFor === null ? {} : { waitsFor }),
    devices: devices.map(({ deviceId, name, score, refused }, at) => ({
      ...{ deviceId, name, score, line: lines[at] ?? name },
      ...(refused === null ? {} : { refused }),
    })),
  };
}
