/** How another device is reached, in words that every command uses. */
import type { DeviceHere } from '@markco/protocol';

export type PathHere = NonNullable<DeviceHere['connection']>['paths'][number];

export function pathWords({ relayed, relayedBy, sameNetwork }: PathHere): string {
  if (relayed) return relayedBy === undefined ? 'relayed' : `relayed by ${relayedBy}`;
  return sameNetwork ? 'direct over this network' : 'direct';
}

export const roundTrip = (ms: number): string => (ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`);

/** The way that is taken: a direct one where there is one. */
export const bestPath = (paths: readonly PathHere[]): PathHere | undefined =>
  paths.find(({ relayed }) => !relayed) ?? paths[0];
