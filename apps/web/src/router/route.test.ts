import { expect, test } from 'vitest';
import * as fc from 'fast-check';
import { RunIdSchema } from '@markco/protocol';
import { formatPlace, parsePlace } from './route.ts';

test('an address names a project, a document and a heading', () => {
  expect(parsePlace('/')).toEqual({ at: 'home' });
  expect(parsePlace('/p/notes')).toEqual({ at: 'project', slug: 'notes' });
  expect(parsePlace('/p/notes/')).toEqual({ at: 'project', slug: 'notes' });
  expect(parsePlace('/p/notes/01-a/02%20b', '#first-steps')).toEqual({
    at: 'document',
    slug: 'notes',
    path: '01-a/02 b',
    heading: 'first-steps',
  });
});

test('an address names a run, and where in its output to begin', () => {
  const runId = RunIdSchema.parse('019a8f3c-0000-7000-8000-000000000001');
  expect(parsePlace(`/runs/${runId}`)).toEqual({ at: 'run', runId });
  expect(parsePlace(`/runs/${runId}`, '#1205')).toEqual({ at: 'run', runId, from: 1205 });
  expect(formatPlace({ at: 'run', runId, from: 1205 })).toBe(`/runs/${runId}#1205`);
  for (const bad of ['/runs/', '/runs/../x', '/runs/1', `/runs/${runId}/x`]) expect(parsePlace(bad).at).toBe('home');
});

test('an address that is none leads home', () => {
  for (const bad of ['/x', '/p/', '/p/UPPER/a', '/p/a/%E0%A4%A', '/q/notes/a', '//p/notes'])
    expect(parsePlace(bad)).toEqual({ at: 'home' });
});

test('every document has an address that leads back to it', () => {
  const part = fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => !text.includes('/'));
  fc.assert(
    fc.property(
      fc.array(part, { minLength: 1, maxLength: 4 }),
      fc.option(part, { nil: undefined }),
      (parts, heading) => {
        const place = {
          at: 'document',
          slug: 'notes',
          path: parts.join('/'),
          ...(heading === undefined ? {} : { heading }),
        } as const;
        const url = new URL(formatPlace(place), 'http://localhost');
        if (parts.includes('.') || parts.includes('..')) return;
        expect(parsePlace(url.pathname, url.hash)).toEqual(place);
      },
    ),
  );
});
