/** Files under `_assets` on several devices: what is done with them on one is so on all. */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { group, SOON } from './devices.fixture.ts';

test('ASSET-1 a picture that one device has is on the other, also one that comes later, and both are what they were', async () => {
  const [early, late] = [randomBytes(70_000), randomBytes(300_000)];
  await using made = await group(['laptop', 'desktop'], { '_assets/early.png': early });
  const [laptop, desktop] = made.devices;
  await expect.poll(() => desktop?.bytes('_assets/early.png'), SOON).toEqual(early);
  await laptop?.put('_assets/generated/late.png', late);
  laptop?.mesh.assets.changed(made.id, ['_assets/generated/late.png']);
  await expect.poll(() => desktop?.bytes('_assets/generated/late.png'), SOON).toEqual(late);
  expect(await desktop?.files()).toEqual(['_assets/early.png', '_assets/generated/late.png', 'page.md']);
});
