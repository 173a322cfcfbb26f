import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { TEXT_NAME } from '../documents/insertion.ts';
import { findCell } from './find-cell.ts';

const fence = (code: string, info = 'python'): string => `\`\`\`${info}\n${code}\n\`\`\`\n`;

function document(text: string) {
  const doc = new Y.Doc();
  doc.clientID = 7;
  const content = doc.getText(TEXT_NAME);
  content.insert(0, text);
  return { doc, content };
}

test('a cell is found by its id wherever it has moved, also between cells with the same code', () => {
  const first = fence('x = 1');
  const { doc, content } = document(first + first);
  const id = `7-${first.length}`;
  expect(findCell(doc, id, 'x = 1')?.from).toBe(first.length);
  content.insert(0, '# Above\n\n');
  content.insert(first.length + 20, '2');
  expect(findCell(doc, id, 'x = 1')?.from).toBe(first.length + 9);
});

test('a cell that was retyped is found by its code, when no other has it', () => {
  const { doc, content } = document(fence('x = 1'));
  content.delete(0, content.length);
  content.insert(0, `new\n\n${fence('x = 1')}`);
  expect(findCell(doc, '7-0', 'x = 1')?.from).toBe(5);
  content.insert(0, fence('x = 1'));
  expect(findCell(doc, '7-0', 'x = 1')).toBeUndefined();
});

test('a label names a cell; one that two have names none', () => {
  const { doc, content } = document(`${fence('#| label: plot\ny = 2')}${fence('z')}`);
  expect(findCell(doc, 'plot', 'gone')?.from).toBe(0);
  content.insert(0, fence('#| label: plot\n1'));
  expect(findCell(doc, 'plot', 'gone')).toBeUndefined();
});

test.each(['', '7', '7-', '-1-2', '7-999999', '8-0', '99999999999999999999-1', 'x-y', '../..'])(
  'the id %j of nothing finds nothing',
  (id) => {
    const { doc } = document(`text\n\n${fence('x')}`);
    expect(findCell(doc, id, 'other code')).toBeUndefined();
  },
);
