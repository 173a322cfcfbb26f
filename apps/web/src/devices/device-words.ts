/** A device in words: whether and how it is reached, and what it can run. */
import type { DeviceHere, Language } from '@markco/protocol';
import { dayName, timeOfDay } from '../i18n/words.ts';
import { d } from './messages.ts';

const LANGUAGE_NAMES: Readonly<Record<Language, string>> = {
  python: 'Python',
  bash: 'Bash',
  js: 'JavaScript',
  r: 'R',
  julia: 'Julia',
};

/** `18:04`, or with its day when that is not today. */
function moment(at: string, now: number): string {
  const isToday = new Date(at).toDateString() === new Date(now).toDateString();
  return isToday ? timeOfDay(at) : d('onDay', { day: dayName(at, now), time: timeOfDay(at) });
}

export function stateWords({ connection }: DeviceHere, now: number): string {
  if (connection === undefined) return d('thisDevice');
  if (connection.state !== 'connected') return d(connection.state, { time: moment(connection.since, now) });
  const [path] = connection.paths;
  if (path === undefined) return d('online');
  const way = wayWords(path);
  if (path.roundTripMs === undefined) return d('onlineBy', { way });
  return d('onlineByIn', { way, ms: Math.max(1, Math.round(path.roundTripMs)) });
}

function wayWords({ relayed, relayedBy }: NonNullable<DeviceHere['connection']>['paths'][number]): string {
  if (!relayed) return d('direct');
  return relayedBy === undefined ? d('relayed') : d('relayedBy', { name: relayedBy });
}

/** Empty while nothing was heard of it yet. */
export function abilityWords({ capability, connection }: DeviceHere): string {
  const languages = capability.runtimes
    .filter(({ available }) => available)
    .map(({ language }) => LANGUAGE_NAMES[language]);
  if (languages.length === 0) return '';
  if (connection !== undefined && !capability.policy.allowRemoteExecution) return d('runsNothing');
  const { gpu } = capability;
  const model = gpu?.model ?? gpu?.vendor ?? d('gpu');
  const gb = gpu?.vramMb === undefined ? undefined : Math.round(gpu.vramMb / 1_024);
  return [
    d('runs', { languages: languages.join(', ') }),
    ...(gpu === undefined ? [] : [gb === undefined ? model : d('gpuMemory', { model, gb })]),
  ].join(' · ');
}

/** `4271 8830`: two groups are read aloud and typed with fewer mistakes. */
export function codeWords(code: string): string {
  return `${code.slice(0, 4)} ${code.slice(4)}`;
}

/** `4:07`. */
export function countdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
