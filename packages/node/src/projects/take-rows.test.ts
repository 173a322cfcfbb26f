import { expect, test } from 'vitest';
import { replicaDevice } from '../mesh/documents/device.fixture.ts';

test('what another one deletes that nobody has opened here yet comes back with its text', async () => {
  await using device = await replicaDevice();
  const project = await device.open({ 'page.md': '# Page\r\nof a person\r\n' });
  const id = device.idOf(project, 'page.md');
  expect(device.catalog.get(id)?.file?.seq).toBe(-1);
  const { path, ext, createdAt } = device.catalog.get(id) ?? expect.unreachable();
  const named = { at: device.ids.now() + 1, by: device.deviceId };
  await device.projects.takeRows(project, [{ id, path, ext, createdAt, named, deletedAt: createdAt }]);
  expect(await device.file('page.md')).toBe('');
  await device.projects.undelete(project, id);
  expect(await device.file('page.md')).toBe('# Page\r\nof a person\r\n');
});
