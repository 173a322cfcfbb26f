import { expect, test } from 'vitest';
import { matches, NEVER_TAKEN, signs, type KeyPress } from './keys.ts';
import { createCommandRegistry, type Command } from './registry.ts';

function press(key: string, held: Partial<KeyPress> = {}): KeyPress {
  return { key, ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...held };
}

function command(id: string, keys: readonly string[], more: Partial<Command> = {}): Command {
  return {
    id,
    group: 'go',
    title: () => id,
    keys,
    keysBelongTo: 'page',
    whileTyping: true,
    available: () => true,
    run: () => undefined,
    ...more,
  };
}

test('Mod is Ctrl here and ⌘ on Apple machines', () => {
  expect(matches('Mod-p', press('p', { ctrlKey: true }), false)).toBe(true);
  expect(matches('Mod-p', press('p', { metaKey: true }), false)).toBe(false);
  expect(matches('Mod-p', press('p', { metaKey: true }), true)).toBe(true);
  expect(matches('Mod-p', press('P', { ctrlKey: true, shiftKey: true }), false)).toBe(false);
  expect(matches('Mod-Shift-p', press('P', { ctrlKey: true, shiftKey: true }), false)).toBe(true);
  expect(matches('?', press('?', { shiftKey: true }), false)).toBe(true);
});

test('keys are written as people of that machine read them', () => {
  expect(signs('Mod-Shift-p', false)).toEqual(['Ctrl', 'Shift', 'P']);
  expect(signs('Mod-Shift-p', true)).toEqual(['⌘', '⇧', 'P']);
  expect(signs('i i', false)).toEqual(['i', 'i']);
});

test('a sign that can be typed is not taken from somebody who types', () => {
  const registry = createCommandRegistry({ apple: false });
  registry.add([command('sheet', ['?'], { whileTyping: false }), command('open', ['Mod-p'])]);
  expect(registry.find(press('?', { shiftKey: true }), true)).toBeUndefined();
  expect(registry.find(press('?', { shiftKey: true }), false)?.id).toBe('sheet');
  expect(registry.find(press('p', { ctrlKey: true }), true)?.id).toBe('open');
});

test('a command that cannot run now leaves its key alone', () => {
  const registry = createCommandRegistry({ apple: false });
  registry.add([command('open', ['Mod-p'], { available: () => false })]);
  expect(registry.find(press('p', { ctrlKey: true }), false)).toBeUndefined();
});

test('two commands cannot have one id or one key, and none takes a key of the browser', () => {
  const registry = createCommandRegistry({ apple: false });
  registry.add([command('open', ['Mod-p'])]);
  expect(() => registry.add([command('open', [])])).toThrow('two commands');
  expect(() => registry.add([command('other', ['Mod-p'])])).toThrow('Mod-p');
  for (const key of NEVER_TAKEN) expect(() => registry.add([command(`take ${key}`, [key])])).toThrow('browser');
});

test('commands of the editor go when the document goes', () => {
  const registry = createCommandRegistry({ apple: false });
  const remove = registry.add([command('bold', ['Mod-b'], { keysBelongTo: 'editor' })]);
  expect(registry.all.value.map(({ id }) => id)).toEqual(['bold']);
  expect(registry.find(press('b', { ctrlKey: true }), true)).toBeUndefined();
  remove();
  expect(registry.all.value).toEqual([]);
});
