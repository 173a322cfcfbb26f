/** What people ask for: now and then a cell, at times a hundred at once. */
import type { DeviceId, Language, RunId, SessionId } from '@markco/protocol';
import type { Priority } from '../queue.ts';
import type { Chance } from './chance.ts';
import { idOf, type Device } from './fleet.ts';
import type { Scenario } from './scenario.ts';
import type { Submission } from './submitter.ts';

/** Part of the runs that go into a session that is kept open. Every other run has one of its own. */
const IN_KEPT_SESSION = 0.2;
const NEEDS_GPU = 0.08;

const LANGUAGES: readonly [Language, ...Language[]] = [
  'python',
  'python',
  'python',
  'python',
  'python',
  'bash',
  'r',
  'js',
];
const PRIORITIES: readonly [Priority, ...Priority[]] = ['interactive', 'batch', 'background'];

export function submissionOf(
  run: number,
  from: Device,
  mesh: readonly Device[],
  { keptSessions, byHand }: Pick<Scenario, 'keptSessions' | 'byHand'>,
  chance: Chance,
): Submission {
  const keepsSession = chance.happens(IN_KEPT_SESSION);
  const session = keepsSession ? `${from.number}-${chance.below(keptSessions)}` : `run-${run}`;
  return {
    runId: idOf(run) as RunId,
    sessionId: session as SessionId,
    keepsSession,
    priority: keepsSession ? 'interactive' : chance.pick(PRIORITIES),
    request: {
      language: keepsSession ? 'python' : chance.pick(LANGUAGES),
      from: from.id,
      needsGpu: !keepsSession && chance.happens(NEEDS_GPU),
      runOn: chance.happens(byHand) ? anyOf(mesh, chance) : null,
    },
  };
}

function anyOf(mesh: readonly Device[], chance: Chance): DeviceId | null {
  return mesh[chance.below(mesh.length)]?.id ?? null;
}
