/**
 * What a cell asks for with `#| on: gpu-box` and `#| needs: gpu`, in terms of the devices there are. A wish that cannot
 * be understood is told, never dropped: a cell that asks for a GPU by a typing mistake would run for days without one.
 */
import type { DeviceId } from '@markco/protocol';
import type { DeviceFacts, PlaceRequest } from './snapshot.ts';

export type Wish =
  | ({ readonly ok: true } & Pick<PlaceRequest, 'runOn' | 'needsGpu'>)
  | { readonly ok: false; readonly problem: string };

const NAMES_MAX = 10;

/**
 * @param cell the options `on` and `needs` of the cell
 * @param byHand the device a person chose for this run: it goes before what the cell says
 */
export function wishOf(
  cell: { readonly on: string | null; readonly needs: readonly string[] },
  devices: readonly Pick<DeviceFacts, 'deviceId' | 'name'>[],
  byHand: DeviceId | null,
): Wish {
  const strange = cell.needs.find((need) => need !== 'gpu' && need !== 'cuda');
  if (strange !== undefined)
    return {
      ok: false,
      problem: `The cell needs \`${strange}\`, which is not known. It can need \`gpu\` or \`cuda\`.`,
    };
  const needsGpu = cell.needs.includes('cuda') ? 'cuda' : cell.needs.includes('gpu');
  if (byHand !== null || cell.on === null) return { ok: true, runOn: byHand, needsGpu };
  const wanted = cell.on.toLowerCase();
  const named = devices.filter(({ deviceId, name }) => deviceId === wanted || name.toLowerCase() === wanted);
  const [device, second] = named;
  if (device === undefined) {
    const names = devices.slice(0, NAMES_MAX).map(({ name }) => name);
    return { ok: false, problem: `The cell is to run on ${cell.on}, but your devices are ${names.join(', ')}.` };
  }
  if (second !== undefined)
    return { ok: false, problem: `${named.length} devices are called ${cell.on}. Rename one, or write its id.` };
  return { ok: true, runOn: device.deviceId, needsGpu };
}
