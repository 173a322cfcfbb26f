/** Graphics processors as the programs of their makers and systems list them. What a program does not know is left out. */
import { amountOf, jsonOf } from './amount.ts';
import type { Gpu } from './system.ts';

const MB = 1024 * 1024;
const GPUS_MAX = 64;
const NAME_CHARS_MAX = 200;
/** Windows has 32 bits for the memory of a card: from here on it is that or anything more. */
const WIN32_VRAM_BYTES_MAX = 0xff_f0_00_00;

const VENDORS: readonly (readonly [RegExp, string])[] = [
  [/nvidia/i, 'NVIDIA'],
  [/\bamd\b|_amd\b|advanced micro devices|\bati\b|radeon/i, 'AMD'],
  [/intel/i, 'Intel'],
  [/apple/i, 'Apple'],
  [/qualcomm|adreno/i, 'Qualcomm'],
];
const vendorOf = (text: string): string | undefined => VENDORS.find(([words]) => words.test(text))?.[1];

function gpuOf(vendor: string | undefined, model: unknown, vramMb: number | undefined, cuda?: boolean): Gpu {
  const name = typeof model === 'string' && isSaid(model) ? model.trim().slice(0, NAME_CHARS_MAX) : undefined;
  return {
    ...(vendor === undefined ? {} : { vendor }),
    ...(name === undefined ? {} : { model: name }),
    ...(vramMb === undefined || vramMb <= 0 ? {} : { vramMb: Math.round(vramMb) }),
    ...(cuda === undefined ? {} : { cuda }),
  };
}

/** `N/A`, `[N/A]`, `[Not Supported]`, `[Unknown Error]` are how these programs say nothing. */
const isSaid = (text: string): boolean => !/^(\[.*\]|n\/a|)$/i.test(text.trim());

/** The one with the most memory first. */
export function largestFirst(gpus: readonly Gpu[]): readonly Gpu[] {
  return gpus.toSorted((a, b) => (b.vramMb ?? 0) - (a.vramMb ?? 0)).slice(0, GPUS_MAX);
}

export const NVIDIA_SMI = ['--query-gpu=name,memory.total,driver_version', '--format=csv,noheader,nounits'] as const;

/** A line a card: name, MiB, driver. Its complaints (`No devices were found`) have no such form. */
export function parseNvidiaSmi(text: string): readonly Gpu[] {
  return text.split('\n').flatMap((line) => {
    // A name may have commas.
    const fields = line.split(',');
    const name = fields.slice(0, -2).join(',');
    const memory = fields.at(-2);
    return isSaid(name) ? [gpuOf('NVIDIA', name, amountOf(memory), true)] : [];
  });
}

export const ROCM_SMI = ['--showproductname', '--showmeminfo', 'vram', '--json'] as const;

/** An object with `card0`, `card1`…; warnings may stand before it, and the case of its fields has changed over time. */
export function parseRocmSmi(text: string): readonly Gpu[] {
  const cards = jsonOf(text.slice(Math.max(0, text.indexOf('{'))));
  if (typeof cards !== 'object' || cards === null) return [];
  return Object.entries(cards).flatMap(([name, card]) => {
    if (!/^card\d+$/.test(name) || typeof card !== 'object' || card === null) return [];
    const fields = new Map(Object.entries(card).map(([key, value]) => [key.toLowerCase(), String(value)]));
    const bytes = amountOf(fields.get('vram total memory (b)'));
    return [gpuOf('AMD', fields.get('card series'), bytes === undefined ? undefined : bytes / MB, false)];
  });
}

/** `system_profiler SPDisplaysDataType -json`. A GPU that shares the machine's memory has none of its own. */
export function parseSystemProfiler(text: string): readonly Gpu[] {
  return rowsOf(jsonOf(text), 'SPDisplaysDataType').map((row) => {
    const model = row['sppci_model'] ?? row['_name'];
    const vendor = vendorOf(`${String(row['spdisplays_vendor'])} ${String(model)}`);
    return gpuOf(vendor, model, megabytesOf(row['spdisplays_vram'] ?? row['_spdisplays_vram']), false);
  });
}

/** `8 GB`, `1536 MB`; in other languages `8 Go`, `1,5 GB`. */
function megabytesOf(value: unknown): number | undefined {
  const [, amount, unit] = /^(.*\d)\s*([MG])\w*$/i.exec(typeof value === 'string' ? value : '') ?? [];
  const number = amountOf(amount);
  return number === undefined ? undefined : number * (unit?.toUpperCase() === 'G' ? 1024 : 1);
}

/** `Name`, `AdapterCompatibility` and `AdapterRAM` of each `Win32_VideoController`: screens over a network are among them. */
export function parseVideoControllers(text: string): readonly Gpu[] {
  return rowsOf({ all: jsonOf(text) }, 'all').flatMap((row) => {
    const vendor = vendorOf(`${String(row['AdapterCompatibility'])} ${String(row['Name'])}`);
    if (vendor === undefined) return [];
    const ram = row['AdapterRAM'];
    const isWhole = typeof ram === 'number' && ram > 0 && ram < WIN32_VRAM_BYTES_MAX;
    return [gpuOf(vendor, row['Name'], isWhole ? ram / MB : undefined, vendor === 'NVIDIA' ? undefined : false)];
  });
}

function rowsOf(json: unknown, name: string): readonly Readonly<Record<string, unknown>>[] {
  if (typeof json !== 'object' || json === null || !(name in json)) return [];
  const rows: unknown = json[name as keyof typeof json];
  if (!Array.isArray(rows)) return [];
  return rows.filter((row): row is Record<string, unknown> => typeof row === 'object' && row !== null);
}
