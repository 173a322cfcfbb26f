/** A decision in one or two sentences for people: what was chosen and why, or why nothing was and what to do. */
import type { RouteReason } from '@markco/protocol';
import type { RankedDevice } from './ranking.ts';
import type { RefusalRule } from './refuse.ts';
import type { PlaceRequest } from './snapshot.ts';

export type Choice = {
  readonly device: RankedDevice;
  readonly reason: RouteReason;
  readonly byHand: boolean;
  /** The name of the device where the run's session stays behind, if one does. */
  readonly leftSession: string | null;
};

const CHOSEN: { readonly [R in RouteReason]: (name: string) => string } = {
  'session-affinity': (name) => `The session is already running on ${name}.`,
  'gpu-required': (name) => `${name} has the GPU this run needs.`,
  availability: (name) => `${name} suits best of the devices that are on now.`,
  fallback: (name) => `No device of yours can take it now, so ${name} runs it.`,
};

export function whyChosen({ device: { name }, reason, byHand, leftSession }: Choice): string {
  const chosen = byHand ? `You chose ${name}.` : CHOSEN[reason](name);
  return leftSession === null
    ? chosen
    : `${chosen} It starts with a new session: the variables of the old one are on ${leftSession}.`;
}

/** What the rule says of a device called `name`, as the end of `NAME …`. */
export const REFUSED: { readonly [R in RefusalRule]: (request: PlaceRequest) => string } = {
  'runtime-missing': ({ language }) => `has no ${LANGUAGE_NAMES[language]}`,
  'remote-execution-off': () => 'runs only what is started on it',
  'takes-no-runs': () => 'is set to take no runs',
  'gpu-missing': ({ needsGpu }) => (needsGpu === 'cuda' ? 'has no GPU with CUDA' : 'has no GPU'),
  'heavy-runs-off': () => 'takes no heavy runs now',
  'queue-full': () => 'has no room in its queue',
  offline: () => 'is offline',
  silent: () => 'does not answer',
};

const LANGUAGE_NAMES = { python: 'Python', r: 'R', julia: 'Julia', bash: 'Bash', js: 'JavaScript' } as const;

/** What can be done about it, said of the device that came nearest. */
const REMEDY: { readonly [R in RefusalRule]: string } = {
  'runtime-missing': 'Install it there, or choose another device.',
  'remote-execution-off': 'Start the run there, or let that device take runs of others.',
  'takes-no-runs': 'Raise its number of runs at once, or choose another device.',
  'gpu-missing': 'Choose it by hand to run without, or add a device that has one.',
  'heavy-runs-off': 'Choose it by hand to run there all the same.',
  'queue-full': 'Wait until one of its runs has ended, or cancel one.',
  offline: 'Turn it on, or choose another device.',
  silent: 'Turn it on, or choose another device.',
};

/** Of more devices than this the reasons are not all in the sentence; the list has them. */
const NAMED_MAX = 3;

export function whyNot(
  refused: Pick<readonly RankedDevice[], 'length' | 'at'>,
  request: PlaceRequest,
  waitsFor: Pick<RankedDevice, 'name'> | null,
): string {
  if (refused.length === 0)
    return request.runOn === null ? 'No device is known here.' : 'The device you chose is not one of yours.';
  const reasons = Array.from({ length: Math.min(NAMED_MAX, refused.length) }, (_, place) => {
    const { name, refused: rule } = refused.at(place) ?? { name: '', refused: null };
    return rule === null ? name : `${name} ${REFUSED[rule](request)}`;
  });
  const others = refused.length - reasons.length;
  const said = others > 0 ? `${reasons.join(', ')}, and ${others} more cannot either` : reasons.join(', ');
  const rule = refused.at(0)?.refused ?? 'offline';
  return `${said}. ${waitsFor === null ? REMEDY[rule] : `The run waits for ${waitsFor.name}.`}`;
}
