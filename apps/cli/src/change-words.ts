/** A change that one of the user's devices made, as a person would say it. */
import type { Change } from '@markco/protocol';

type Policy = Extract<Change, { what: 'policy' }>['policy'];

/** Its own names in quotes: they may be any text. */
export function changeWords(change: Change): string {
  const by = change.by.name;
  switch (change.what) {
    case 'joined':
      return `${by} became one of your devices`;
    case 'added':
      return `${by} added ${change.device.name}`;
    case 'removed':
      return `${by} removed ${change.device.name}`;
    case 'called':
      return `${by} took the name "${change.name}"`;
    case 'upgraded':
      return `${by} now has MarkCo ${change.version}`;
    case 'opened':
      return `${by} opened "${change.project.displayName}"`;
    case 'closed':
      return `${by} closed "${change.project.displayName}"`;
    case 'lags':
      return `the files of "${change.project.displayName}" lag behind on ${by}`;
    case 'caught-up':
      return `the files of "${change.project.displayName}" have caught up on ${by}`;
    case 'policy':
      return `${by} now ${policyWords(change.policy)}`;
    case 'opens-all':
      return change.on ? `${by} now opens every project by itself` : `${by} no longer opens every project by itself`;
  }
}

function policyWords({ allowRemoteExecution, allowHeavyJobs, allowWhenOnBattery, maxConcurrentRuns }: Policy): string {
  const says = (allowed: boolean | undefined, yes: string, no: string): readonly string[] =>
    allowed === undefined ? [] : [allowed ? yes : no];
  return [
    ...says(allowRemoteExecution, 'runs cells for other devices', 'runs nothing for other devices'),
    ...says(allowHeavyJobs, 'takes heavy jobs from them', 'takes no heavy jobs from them'),
    ...says(allowWhenOnBattery, 'runs for them on battery too', 'runs nothing for them on battery'),
    ...(maxConcurrentRuns === undefined ? [] : [`runs at most ${maxConcurrentRuns} at once for them`]),
  ].join(', ');
}
