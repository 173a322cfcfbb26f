import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { attachmentMachine } from './entity/attachment.ts';
import { runMachine } from './entity/run.ts';
import { sessionMachine } from './entity/session.ts';
import type { Machine } from './machine.ts';

const machines: readonly Machine<string, string>[] = [attachmentMachine, sessionMachine, runMachine];
const page = new URL('../../../docs/protocol/lifecycles.md', import.meta.url);

test.each(machines)('every state of a $name is known by its table, and can be reached', (machine) => {
  const reached = new Set([machine.initial]);
  for (let size = 0; size !== reached.size;) {
    size = reached.size;
    for (const state of reached)
      for (const event of machine.events)
        if (machine.step(state, event).ok) reached.add(machine.step(state, event).state);
  }
  expect([...reached].sort()).toEqual([...machine.states].sort());
});

test.each(machines)('a $name that refuses a step stays as it was and says why', (machine) => {
  let refused = 0;
  for (const state of machine.states) {
    for (const event of machine.events) {
      const step = machine.step(state, event);
      if (step.ok) continue;
      refused++;
      expect(step.state).toBe(state);
      expect(step.refused).toContain(state);
      expect(step.refused).toContain(event);
    }
  }
  expect(refused).toBeGreaterThan(0);
});

test('RUN-1 a run reaches exactly one terminal state: no event leads out of one', () => {
  expect(runMachine.states.filter((state) => runMachine.isTerminal(state))).toEqual([
    'completed',
    'failed',
    'cancelled',
  ]);
});

test('the page of lifecycles shows these tables', () => {
  const expected = render();
  // Written anew on demand: UPDATE_DOCS=1 npx vitest run machine
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(page, expected);
  expect(readFileSync(page, 'utf8')).toBe(expected);
});

function render(): string {
  const lines = [
    '# Lifecycles',
    '',
    'What peers agree a thing may do next. A column is an event, a row a state, a cell the state after it; an empty cell',
    'refuses the event and changes nothing. The tables are those of `packages/protocol/src/entity`, and a test keeps this',
    'page equal to them.',
  ];
  for (const machine of machines) {
    lines.push('', `## A ${machine.name}`, '', `It begins as \`${machine.initial}\`.`, '');
    lines.push(`| | ${machine.events.join(' | ')} |`, `|---|${machine.events.map(() => '---').join('|')}|`);
    for (const state of machine.states) {
      const cells = machine.events.map((event) =>
        machine.step(state, event).ok ? machine.step(state, event).state : '',
      );
      lines.push(`| **${state}**${machine.isTerminal(state) ? ' (the end)' : ''} | ${cells.join(' | ')} |`);
    }
  }
  return `${lines.join('\n')}\n`;
}
