import { newId, readConfig, type ProjectId } from '@markco/protocol';
import { expect, test } from 'vitest';
import { ids } from './runs/runs.fixture.ts';
import { createSessionFor } from './submit.ts';

const projectId = newId<ProjectId>(ids);
const nameFor = async (frontMatter: string, language = 'python') => {
  const document = `---\nsession:\n  python: ${frontMatter}\n---\n`;
  const sessionFor = createSessionFor(async () => readConfig({ project: null, document }));
  return (await sessionFor({ projectId, documentId: undefined, language })).name;
};

test('documents share a session unless they name one or a kernel of their own', async () => {
  expect(await nameFor('{}')).toBe('default');
  expect(await nameFor('{ kernel: lab }')).toBe('lab');
  expect(await nameFor('{ kernel: lab }', 'bash')).toBe('default');
  expect(await nameFor('{ kernel: lab, name: mine }')).toBe('mine');
  expect(await nameFor(`{ kernel: ${'x'.repeat(500)} }`)).toHaveLength(100);
});
