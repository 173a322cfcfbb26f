import { expect, test } from 'vitest';
import { device, id } from './device.fixture.ts';
import { wishOf } from './wish.ts';

const devices = [device(1, { name: 'laptop' }), device(2, { name: 'gpu-box' }), device(3, { name: 'GPU-box' })];
const wish = (on: string | null, needs: readonly string[] = [], byHand = null as ReturnType<typeof id> | null) =>
  wishOf({ on, needs }, devices, byHand);

test('a cell without wishes runs anywhere', () => {
  expect(wish(null)).toEqual({ ok: true, runOn: null, needsGpu: false });
});

test('a cell names its device, in any case, or by its id', () => {
  expect(wish('Laptop')).toMatchObject({ ok: true, runOn: id(1) });
  expect(wish(id(3))).toMatchObject({ ok: true, runOn: id(3) });
});

test('what a person chose goes before what the cell says', () => {
  expect(wish('laptop', [], id(2))).toMatchObject({ ok: true, runOn: id(2) });
});

test('needs are a GPU, or one with CUDA', () => {
  expect(wish(null, ['gpu'])).toMatchObject({ needsGpu: true });
  expect(wish(null, ['gpu', 'cuda'])).toMatchObject({ needsGpu: 'cuda' });
});

test.for([
  [
    'a device nobody knows',
    'lap-top',
    [],
    'The cell is to run on lap-top, but your devices are laptop, gpu-box, GPU-box.',
  ],
  ['a name that two have', 'gpu-box', [], '2 devices are called gpu-box. Rename one, or write its id.'],
  [
    'a need nobody knows',
    null,
    ['gpu', 'tpu'],
    'The cell needs `tpu`, which is not known. It can need `gpu` or `cuda`.',
  ],
] as const)('%s is a problem that is told', ([, on, needs, problem]) => {
  expect(wish(on, needs)).toEqual({ ok: false, problem });
});
