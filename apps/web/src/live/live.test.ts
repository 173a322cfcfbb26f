import type { Api } from '@markco/client';
import { Failure, type DocumentId, type Run, type SessionHere } from '@markco/protocol';
import { signal } from '@preact/signals';
import { expect, test } from 'vitest';
import { createLive, sessionOf, type SessionOf } from './live.ts';

const documentId = 'document' as DocumentId;
const place = { projectId: 'project', documentId };
const session = (id: string, change: Partial<SessionHere> = {}): SessionHere =>
  ({ id, projectId: 'project', language: 'python', state: 'running', queued: 0, ...change }) as SessionHere;
const run = (sessionId: string, change: Partial<Run> = {}): Run =>
  ({ id: 'run', documentId, sessionId, language: 'python', code: '1', ...change }) as Run;
const never = (): AbortSignal => new AbortController().signal;

test('the session of a document is that of its last run, else the one all documents share', () => {
  const shared = session('shared', { sessionAffinityKey: 'notes:default' });
  const own = session('own', { sessionAffinityKey: 'notes:own' });
  const python = { ...place, language: 'python', on: null } as const;
  const of = (where: SessionOf, all: readonly SessionHere[], runs: readonly Run[]) =>
    sessionOf(where, all, runs, 'laptop')?.id;
  expect(of(python, [own, shared], [])).toBe('shared');
  expect(of(python, [own, shared], [run('own'), run('shared')])).toBe('own');
  expect(of(python, [own, shared], [run('own', { language: 'bash' })])).toBe('shared');
  expect(of(python, [session('elsewhere', { projectId: 'other' as Run['projectId'] })], [])).toBeUndefined();
  expect(of({ ...python, language: 'r' }, [own, shared], [])).toBeUndefined();
});

test('a cell that names a device is about the session there, and one that names none is not', () => {
  const shared = session('shared', { sessionAffinityKey: 'notes:default' });
  const there = session('there', { sessionAffinityKey: 'notes:default', deviceName: 'box' });
  const other = session('other', { sessionAffinityKey: 'notes:other', deviceName: 'box' });
  const all = [other, there, shared];
  const on = (name: string | null, runs: readonly Run[] = []) =>
    sessionOf({ ...place, language: 'python', on: name }, all, runs, 'laptop')?.id;
  const onBox = '#| on: box\n1';
  expect([on(null), on('laptop'), on('Box'), on('moon')]).toEqual(['shared', 'shared', 'there', undefined]);
  // The newest run first: a cell on the box takes no other cell there, and keeps the session of its like.
  const runs = [run('other', { code: onBox }), run('shared')];
  expect([on(null, runs), on('box', runs)]).toEqual(['shared', 'other']);
  // A device was chosen for a cell that names none.
  expect([on(null, [run('there')]), on('box', [run('there')])]).toEqual(['there', 'there']);
});

test('only a session that is alive is asked, and one that cannot answer is asked once', async () => {
  const asked: string[] = [];
  const python = { language: 'python', on: null } as const;
  const sessions = signal<readonly SessionHere[]>([session('cold', { state: 'cold' })]);
  const api = ((name: string) => {
    asked.push(name);
    return Promise.reject(new Failure('unsupported', 'It does not answer this.'));
  }) as unknown as Api;
  const live = createLive({ api, sessions, runs: signal([]), host: signal(undefined) }).of(place);
  expect(live.isLive(python)).toBe(false);
  expect(await live.complete(python, { code: 'a', cursor: 1 }, never())).toBeNull();
  expect(asked).toEqual([]);

  sessions.value = [session('live')];
  expect(live.isLive(python)).toBe(true);
  expect(await live.complete(python, { code: 'x'.repeat(200_000), cursor: 1 }, never())).toBeNull();
  expect(asked).toEqual([]);
  for (let times = 0; times < 3; times++)
    expect(await live.complete(python, { code: 'a', cursor: 1 }, never())).toBeNull();
  expect(asked).toEqual(['mrpComplete']);
  await live.inspect(python, { code: 'a', cursor: 1 }, never());
  expect(asked).toEqual(['mrpComplete', 'mrpInspect']);
});
