/** One device of a decision in words: what speaks for it, or what keeps the run off it. */
import type { Decision } from '@markco/protocol';
import type { PlaceDevice } from '../editor/index.ts';
import { dayName, timeOfDay } from '../i18n/words.ts';
import { p, type PlacingKey } from './messages.ts';

type Ranked = Pick<Decision['devices'][number], 'refused' | 'line'>;

/** What the device's line names, in the order it does. */
const SAID: readonly (readonly [string, PlacingKey])[] = [
  ['session', 'session'],
  ['GPU', 'gpu'],
  ['nothing waits', 'queue'],
  ['near', 'latency'],
  ['to be spared', 'policy'],
  ['unstable', 'unstable'],
];
const REFUSALS: ReadonlySet<string> = new Set([
  'runtime-missing',
  'remote-execution-off',
  'takes-no-runs',
  'gpu-missing',
  'heavy-runs-off',
  'queue-full',
  'offline',
  'silent',
]);
/** These hold for who chooses the device by hand as well. */
const NEVER: ReadonlySet<string> = new Set(['runtime-missing', 'remote-execution-off', 'takes-no-runs']);

/** Whether a person can choose it. */
export const isPossible = ({ refused }: Pick<Ranked, 'refused'>): boolean =>
  refused === undefined || !NEVER.has(refused);

/** `nothing waits, near`; `is away since 14:02: the run waits for it`. */
export function placeWords({ refused, line }: Ranked, language: string, now: number): string {
  if (refused !== undefined) {
    if (!REFUSALS.has(refused)) return p('refused');
    const since = / since (\S+)$/.exec(line)?.[1];
    // Of one that was never heard it says the beginning of time.
    const isTold = since !== undefined && Date.parse(since) > 0;
    if (refused === 'offline' && isTold) return p('offlineSince', { time: momentOf(since, now) });
    return p(refused as PlacingKey, { language: LANGUAGES[language] ?? language });
  }
  const reasons = line
    .replace(/^.*: −?\d+ · /, '')
    .split(', ')
    .map((reason) => reason.replace(/ [+−]\d+$/, ''));
  const words = SAID.filter(([said]) => reasons.includes(said)).map(([, key]) => p(key));
  return [...words, ...(reasons.includes('nothing waits') ? [] : [p('busy')])].join(', ');
}

/** One that was not ranked, because it lacks the project; a person can choose it all the same. */
export function unrankedWords({ awaySince }: Pick<PlaceDevice, 'awaySince'>, now: number): string {
  return awaySince === null ? p('withoutProject') : p('offlineSince', { time: momentOf(awaySince, now) });
}

/** `14:02`, or with its day when that is not today. */
export function momentOf(at: number | string, now: number): string {
  const isToday = new Date(at).toDateString() === new Date(now).toDateString();
  return isToday ? timeOfDay(at) : p('onDay', { day: dayName(at, now), time: timeOfDay(at) });
}

const LANGUAGES: Readonly<Record<string, string>> = {
  python: 'Python',
  bash: 'Bash',
  js: 'JavaScript',
  r: 'R',
  julia: 'Julia',
};
