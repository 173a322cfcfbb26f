/**
 * The battery as each system tells it. A UPS counts where there is no battery: when the power fails, a desktop on one is
 * as much "on battery" as a laptop. Batteries of mice and keyboards do not.
 */
import { amountOf, jsonOf } from './amount.ts';
import type { Battery } from './system.ts';

const clamp = (percent: number): number => Math.min(100, Math.max(0, Math.round(percent)));
const batteryOf = (percent: number | undefined, charging: boolean | undefined): Battery | null =>
  percent === undefined && charging === undefined
    ? null
    : {
        ...(percent === undefined ? {} : { percent: clamp(percent) }),
        ...(charging === undefined ? {} : { charging }),
      };
const mean = (numbers: readonly number[]): number | undefined =>
  numbers.length === 0 ? undefined : numbers.reduce((sum, each) => sum + each, 0) / numbers.length;

/** A folder of `/sys/class/power_supply`: its `type` (kernels before 5.8 do not repeat it) and `uevent`. */
export type PowerSupply = { readonly type: string; readonly uevent: string };

export function parsePowerSupplies(supplies: readonly PowerSupply[]): Battery | null {
  const all = supplies.map(({ type, uevent }) => ({ type: type.trim(), field: fieldsOf(uevent) }));
  const own = all.filter(({ field }) => field('SCOPE') !== 'Device' && field('PRESENT') !== '0');
  const ofType = (wanted: string) => own.filter(({ type }) => type === wanted).map(({ field }) => field);
  const batteries = ofType('Battery').length > 0 ? ofType('Battery') : ofType('UPS');
  if (batteries.length === 0) return null;

  const states = batteries.map((field) => field('STATUS'));
  const plugs = all.filter(({ type }) => type === 'Mains' || type.startsWith('USB'));
  let charging: boolean | undefined;
  if (states.includes('Discharging')) charging = false;
  else if (states.some((state) => state === 'Charging' || state === 'Full' || state === 'Not charging'))
    charging = true;
  else if (plugs.length > 0) charging = plugs.some(({ field }) => field('ONLINE') === '1');

  const capacities = batteries.map((field) => amountOf(field('CAPACITY'))).filter((each) => each !== undefined);
  // Of two batteries the larger counts for more.
  const shared = share(batteries, 'ENERGY') ?? share(batteries, 'CHARGE');
  const [only] = capacities;
  return batteryOf(batteries.length === 1 ? (only ?? shared) : (shared ?? mean(capacities)), charging);
}

type Field = (name: string) => string | undefined;

function fieldsOf(uevent: string): Field {
  const fields = new Map(
    uevent.split('\n').map((line) => {
      const at = line.indexOf('=');
      return [line.slice(0, Math.max(0, at)), line.slice(at + 1).trim()] as const;
    }),
  );
  return (name) => fields.get(`POWER_SUPPLY_${name}`);
}

function share(batteries: readonly Field[], unit: 'ENERGY' | 'CHARGE'): number | undefined {
  let now = 0;
  let full = 0;
  for (const field of batteries) {
    const [has, can] = [amountOf(field(`${unit}_NOW`)), amountOf(field(`${unit}_FULL`))];
    if (has === undefined || can === undefined) return undefined;
    now += has;
    full += can;
  }
  return full === 0 ? undefined : (100 * now) / full;
}

/** `pmset -g batt` of macOS. */
export function parsePmset(text: string): Battery | null {
  const sources = [...text.matchAll(/^ -(.+?)\s+(?:\(id=\d+\)\s*)?(\d{1,3})%;(.*)$/gm)].filter(
    ([, , , rest]) => rest?.includes('present: false') !== true,
  );
  const chosen = sources.find(([, name]) => name?.startsWith('InternalBattery') === true) ?? sources[0];
  if (chosen === undefined) return null;
  const [, , percent, rest = ''] = chosen;
  const drawing = /drawing from '(.+?)'/.exec(text)?.[1];
  return batteryOf(Number(percent), drawing === undefined ? !/\bdischarging\b/.test(rest) : drawing === 'AC Power');
}

/** What `BatteryStatus` of `Win32_Battery` means for us; 10 (undefined) and 11 (partially charged) say nothing. */
const DISCHARGING = new Set<unknown>([1, 4, 5]);
const ON_POWER = new Set<unknown>([2, 3, 6, 7, 8, 9]);

/** `EstimatedChargeRemaining` and `BatteryStatus` of each `Win32_Battery`, as a JSON array. */
export function parseWin32Battery(text: string): Battery | null {
  const rows = jsonOf(text);
  if (!Array.isArray(rows)) return null;
  const field = (name: string) =>
    rows.map((row: unknown) =>
      typeof row === 'object' && row !== null ? (row as Readonly<Record<string, unknown>>)[name] : undefined,
    );
  const percents = field('EstimatedChargeRemaining').filter((each) => typeof each === 'number');
  const states = field('BatteryStatus');
  const charging = states.some((state) => DISCHARGING.has(state))
    ? false
    : states.some((state) => ON_POWER.has(state))
      ? true
      : undefined;
  return batteryOf(mean(percents), charging);
}
