import { afterEach, expect, test } from 'vitest';
import { language, timeOfDay } from '../i18n/words.ts';
import { alreadySavedWords, copyWords, saveWords } from './save-line.tsx';
import type { CopyHere, SaveStatus } from './save-status.ts';

const at = Date.UTC(2026, 10, 21, 18, 4);
const time = timeOfDay(at);
const copy = (name: string, has: boolean, online = true): CopyHere => ({ name, has, online, since: at });
const saved = (...copies: readonly CopyHere[]): SaveStatus => ({
  kind: 'saved',
  at: at - 60_000,
  ...(copies.length === 0 ? {} : { copies }),
});
const here = copy('laptop', true);

afterEach(() => {
  language.value = 'en';
});

test('in sync is said of as many devices as have it, and of none that has not', () => {
  const words = (...copies: readonly CopyHere[]) => saveWords(saved(...copies)).text;
  expect(words(here, copy('desk', true), copy('phone', true))).toBe(`In sync · 3 devices · ${time}`);
  expect(words(here, copy('desk', true), copy('phone', false, false))).toBe('Saved · on 2 of 3 devices');
  expect(words(here, copy('desk', false))).toBe('Saved · on 1 of 2 devices');
  expect(words()).toMatch(/^Saved here · /);
  expect(words(here)).toMatch(/^Saved here · /);
  language.value = 'fr';
  expect(words(here, copy('desk', true))).toBe(`Synchronisé · 2 appareils · ${time}`);
  expect(words(here, copy('desk', false))).toBe('Enregistré · sur 1 de 2 appareils');
});

test('Ctrl+S says the same, and each device since when', () => {
  expect(alreadySavedWords(saved(here, copy('desk', true), copy('phone', true)))).toBe('Already saved · 3 devices');
  expect(alreadySavedWords(saved(here, copy('desk', false)))).toBe('Already saved · on 1 of 2 devices');
  expect(alreadySavedWords(saved())).toMatch(/^Already saved\. /);
  expect(copyWords(here, true)).toBe('laptop · this device');
  expect(copyWords(copy('desk', true), false)).toBe(`desk · since ${time}`);
  expect(copyWords(copy('desk', false), false)).toBe('desk · on its way');
  expect(copyWords(copy('phone', false, false), false)).toBe(`phone · not yet, not connected since ${time}`);
});
