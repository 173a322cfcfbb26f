import { expect, test } from 'vitest';
import { ask, device } from './device.fixture.ts';
import { wantsGpu, withGpuHint } from './gpu-hint.ts';
import { place } from './place.ts';

test.for([
  ['import torch', 'torch'],
  ['x = 1\n  from torch.nn import Linear', 'torch'],
  ['import jax.numpy as jnp', 'jax'],
  ['from numba import cuda', 'CUDA'],
  ['model.to("cuda:0")', 'CUDA'],
  ['nvidia-smi -L', 'CUDA'],
  ['import torchless', null],
  ['print("import torch")', null],
  ['cuda = 1', null],
] as const)('%j speaks for %j', ([code, wanted]) => expect(wantsGpu(code)).toBe(wanted));

const laptop = device(1, { name: 'laptop' });
const box = (changes = {}) =>
  device(2, { name: 'gpu-box', gpu: { vendor: 'NVIDIA', cuda: true }, runningRuns: 3, ...changes });
const whyOf = (devices: Parameters<typeof withGpuHint>[1], wanted: string | null = 'torch', request = ask()): string =>
  withGpuHint(place({ atMs: 0, devices }, request), devices, wanted).why;
const HINT = 'The code uses torch: gpu-box has a GPU.';

test('code that looks for a GPU is told which device has one, and goes where it went', () => {
  const devices = [laptop, box()];
  const placed = place({ atMs: 0, devices }, ask());
  const hinted = withGpuHint(placed, devices, 'torch');
  expect([hinted.chosen, hinted.why]).toEqual([laptop.deviceId, `${placed.why} ${HINT}`]);
});

test('nothing is said where it goes to one, none has one, it is off, or the code asks for none', () => {
  expect(whyOf([laptop, box()], null)).not.toContain('GPU');
  expect(whyOf([laptop, device(2)])).not.toContain('has a GPU');
  expect(whyOf([laptop, box({ online: false })])).not.toContain('has a GPU');
  expect(whyOf([laptop, box()], 'torch', ask({ needsGpu: true }))).not.toContain(HINT);
});
