/** Which session runs a cell: the project's own, unless the document or `mrmd.md` names another; what it costs; restarts. */
import { sessionName, type Run, type RunEvent, type RuntimeSession, type SessionHere } from '@markco/protocol';
import { afterAll, expect, test } from 'vitest';
import { eventually, messagesOf, newRunId, startDevice } from './device.fixture.ts';

const device = await startDevice({
  files: {
    'mrmd.md': '# Mine\n\n```yaml config\nsession:\n  python:\n    cwd: data\n```\n',
    'one.md': '# One\n',
    'two.md': '# Two\n',
    'alone.md': '---\nsession:\n  python:\n    name: alone\n---\n# Alone\n',
    'data/here.csv': 'a,b\n',
  },
});
afterAll(() => device[Symbol.asyncDispose]());

async function runIn(path: string, code: string): Promise<{ run: Run; text: string }> {
  const { documents } = await device.get<{ documents: { id: string; path: string }[] }>(
    `/api/projects/${device.project.id}/documents`,
  );
  const documentId = documents.find((each) => each.path === path)?.id;
  const body = { id: newRunId(), projectId: device.project.id, documentId, language: 'python', code };
  const { id } = await device.get<Run>('/api/runs', { body });
  const { messages } = await messagesOf(device.socket(`/api/runs/${id}/events`));
  const text = (messages as RunEvent[]).map((event) => (event.type === 'stdout' ? event.payload.text : '')).join('');
  return { run: await device.get<Run>(`/api/runs/${id}`), text };
}

test('documents of a project share a session; one that names its own has its own', async () => {
  expect((await runIn('one', 'x = 1')).run.state).toBe('completed');
  expect((await runIn('two', 'print(x)')).text).toBe('1\n');
  expect((await runIn('alone', 'print(x)')).run.error?.type).toBe('NameError');
  const { sessions } = await device.get<{ sessions: SessionHere[] }>('/api/sessions');
  expect(new Set(sessions.map((session) => session.sessionAffinityKey))).toEqual(
    new Set(['alone', 'default'].map((name) => `${device.project.slug}:${name}`)),
  );
  for (const session of sessions) expect(session.environmentHash).toMatch(/^[0-9a-f]{64}$/);
});

test('a session begins in the folder that mrmd.md names', async () => {
  expect((await runIn('one', 'import os; print(os.listdir())')).text).toBe("['here.csv']\n");
});

test('the list of sessions says what each costs and what it is doing', async () => {
  const running = runIn('alone', 'import time; time.sleep(600)');
  const alone = await eventually(async () => {
    const { sessions } = await device.get<{ sessions: SessionHere[] }>('/api/sessions');
    return sessions.find((session) => sessionName(session) === 'alone' && session.currentRun !== undefined);
  }, 'the session to be busy');
  expect(alone.usage?.processes).toBe(1);
  expect(alone.usage?.memoryBytes).toBeGreaterThan(1_000_000);
  await device.get<RuntimeSession>(`/api/sessions/${alone.id}/interrupt`, { body: {} });
  expect((await running).run.state).toBe('cancelled');
});

test('a restart keeps the session and forgets its variables', async () => {
  const { sessions } = await device.get<{ sessions: SessionHere[] }>('/api/sessions');
  const shared = sessions.find((session) => sessionName(session) === 'default');
  const again = await device.get<RuntimeSession>(`/api/sessions/${shared?.id}/restart`, { body: {} });
  expect(again).toMatchObject({ id: shared?.id, state: 'running' });
  expect(again.hostRuntimeId).not.toBe(shared?.hostRuntimeId);
  expect((await runIn('two', 'print(x)')).run.error?.type).toBe('NameError');
});
