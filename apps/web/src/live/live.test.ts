import type { Api } from '@markco/client';
import { Failure, type DocumentId, type Run, type SessionHere } from '@markco/protocol';
import { signal } from '@preact/signals';
import { expect, test } from 'vitest';
import { createLive, sessionOf } from './live.ts';

const documentId = 'document' as DocumentId;
const place = { projectId: 'project', documentId };
const session = (id: string, change: Partial<SessionHere> = {}): SessionHere =>
  ({ id, projectId: 'project', language: 'python', state: 'running', queued: 0, ...change }) as SessionHere;
const run = (sessionId: string, change: Partial<Run> = {}): Run =>
  ({ id: 'run', documentId, sessionId, language: 'python', ...change }) as Run;
const never = (): AbortSignal => new AbortController().signal;

test('the session of a document is that of its last run, else the one all documents share', () => {
  const shared = session('shared', { sessionAffinityKey: 'notes:default' });
  const own = session('own', { sessionAffinityKey: 'notes:own' });
  const python = { ...place, language: 'python' };
  expect(sessionOf(python, [own, shared], [])?.id).toBe('shared');
  expect(sessionOf(python, [own, shared], [run('own'), run('shared')])?.id).toBe('own');
  expect(sessionOf(python, [own, shared], [run('own', { language: 'bash' })])?.id).toBe('shared');
  expect(sessionOf(python, [session('elsewhere', { projectId: 'other' as Run['projectId'] })], [])).toBeUndefined();
  expect(sessionOf({ ...place, language: 'r' }, [own, shared], [])).toBeUndefined();
});

test('only a session that is alive is asked, and one that cannot answer is asked once', async () => {
  const asked: string[] = [];
  const sessions = signal<readonly SessionHere[]>([session('cold', { state: 'cold' })]);
  const api = ((name: string) => {
    asked.push(name);
    return Promise.reject(new Failure('unsupported', 'It does not answer this.'));
  }) as unknown as Api;
  const live = createLive({ api, sessions, runs: signal([]) }).of(place);
  expect(live.isLive('python')).toBe(false);
  expect(await live.complete('python', { code: 'a', cursor: 1 }, never())).toBeNull();
  expect(asked).toEqual([]);

  sessions.value = [session('live')];
  expect(live.isLive('python')).toBe(true);
  expect(await live.complete('python', { code: 'x'.repeat(200_000), cursor: 1 }, never())).toBeNull();
  expect(asked).toEqual([]);
  for (let times = 0; times < 3; times++)
    expect(await live.complete('python', { code: 'a', cursor: 1 }, never())).toBeNull();
  expect(asked).toEqual(['mrpComplete']);
  await live.inspect('python', { code: 'a', cursor: 1 }, never());
  expect(asked).toEqual(['mrpComplete', 'mrpInspect']);
});
