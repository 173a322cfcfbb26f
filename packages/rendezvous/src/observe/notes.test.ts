import { expect, test } from 'vitest';
import { auditFields } from './notes.ts';

test('what is noted has the names that an audit has for it, and what it has no name for is what it is about', () => {
  expect(
    auditFields({ share: 'link-id', account: 'account-id', userId: 'ada', project: 'p', path: 'page', role: 'view' }),
  ).toEqual({ about: 'link-id account-id', user_id: 'ada', project_id: 'p', doc_path: 'page', reason: 'view' });
  expect(auditFields({})).toEqual({});
});
