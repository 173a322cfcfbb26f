import { expect, test } from 'vitest';
import { markOf } from './lists.ts';

test.each([
  ['- item', '- ', ''],
  ['  * item', '  * ', ''],
  ['9. item', '10. ', ''],
  ['3) item', '4) ', ''],
  ['- [x] done', '- [ ] ', ''],
  ['> quote', '> ', ''],
  ['> > quote', '> > ', '> '],
  ['> - item', '> - ', '> '],
])('after %j comes %j, and without its mark %j is left', (line, next, outer) => {
  expect(markOf(line)).toMatchObject({ next, outer });
});

test.each(['text', '-no item', '1.no item', '', '    code'])('%j starts with no mark', (line) => {
  expect(markOf(line)).toBeNull();
});
