/**
 * A hint, where code that likely wants a GPU goes to a device without one while another has it. It changes nothing about
 * where the run goes: who wants the GPU says so (`#| needs: gpu`), or chooses the device.
 */
import type { Placement } from './place.ts';
import type { DeviceFacts } from './snapshot.ts';

/** Libraries that are slow without one, and names of the thing itself. */
const SIGNS: readonly (readonly [RegExp, string])[] = [
  [/^[ \t]*(?:import|from)[ \t]+torch\b/m, 'torch'],
  [/^[ \t]*(?:import|from)[ \t]+tensorflow\b/m, 'tensorflow'],
  [/^[ \t]*(?:import|from)[ \t]+jax\b/m, 'jax'],
  [
    /^[ \t]*(?:import|from)[ \t]+(?:cupy|cudf|pycuda|numba\.cuda)\b|^[ \t]*from[ \t]+numba[ \t]+import[ \t]+cuda\b/m,
    'CUDA',
  ],
  [/\.cuda\(|["']cuda(?::\d+)?["']|\bnvidia-smi\b/, 'CUDA'],
];

/** What in the code speaks for a GPU; null where nothing does. */
export function wantsGpu(code: string): string | null {
  return SIGNS.find(([sign]) => sign.test(code))?.[1] ?? null;
}

/** @param wanted as `wantsGpu` says */
export function withGpuHint(placement: Placement, devices: readonly DeviceFacts[], wanted: string | null): Placement {
  if (wanted === null || placement.chosen === null) return placement;
  const host = devices.find(({ deviceId }) => deviceId === placement.chosen);
  if (host === undefined || host.capability.gpu !== undefined) return placement;
  const better = devices.find(({ capability }) => capability.gpu !== undefined && capability.online);
  if (better === undefined) return placement;
  return { ...placement, why: `${placement.why} The code uses ${wanted}: ${better.name} has a GPU.` };
}
