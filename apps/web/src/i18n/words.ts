/**
 * The language of the page, its words, and how it writes times. Everything here reads one signal, so that a change of
 * language redraws what shows words and nothing else.
 */
import { computed, signal } from '@preact/signals';
import { en } from '../messages/en.ts';
import { fr } from '../messages/fr.ts';
import { chooseLanguage, translate, type Language, type Message, type Params } from './translate.ts';

export type Key = keyof typeof en;

const words: Readonly<Record<Language, Readonly<Record<string, Message>>>> = { en, fr };
const stored = 'language';

function initial(): Language {
  const kept = globalThis.localStorage?.getItem(stored);
  return kept === 'en' || kept === 'fr' ? kept : chooseLanguage(globalThis.navigator?.languages ?? []);
}

export const language = signal<Language>(initial());

export function setLanguage(next: Language): void {
  language.value = next;
  localStorage.setItem(stored, next);
}

export function t(key: Key, params?: Params): string {
  return translate(words[language.value][key] ?? key, language.value, params);
}

/** For parts that bring their own catalog, such as the editor: its words first, the page's next, the bare key last. */
export function lookup(
  extra: Readonly<Record<Language, Readonly<Record<string, Message>>>>,
): (key: string, params?: Params) => string {
  return (key, params) =>
    translate(extra[language.value][key] ?? words[language.value][key] ?? key, language.value, params);
}

const clock = computed(
  () => new Intl.DateTimeFormat(language.value, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }),
);

/** `18:04`. Input in Unix milliseconds or ISO 8601. */
export function timeOfDay(at: number | string): string {
  return clock.value.format(new Date(at));
}

/** `Today`, `Yesterday`, else `Tuesday 17 November`. */
export function dayName(at: number | string, now: number): string {
  const day = new Date(at);
  const startOf = (date: Date): number => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
  const ago = Math.round((startOf(new Date(now)) - startOf(day)) / 86_400_000);
  if (ago === 0 || ago === 1) {
    const name = new Intl.RelativeTimeFormat(language.value, { numeric: 'auto' }).format(-ago, 'day');
    return name.charAt(0).toUpperCase() + name.slice(1);
  }
  return new Intl.DateTimeFormat(language.value, { weekday: 'long', day: 'numeric', month: 'long' }).format(day);
}

/** `812 KB`, `1.2 GB`. */
export function bytes(count: number): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;
  const at = Math.min(units.length - 1, count < 1 ? 0 : Math.floor(Math.log(count) / Math.log(1_000)));
  const value = count / 1_000 ** at;
  return new Intl.NumberFormat(language.value, {
    style: 'unit',
    unit: units[at] ?? 'byte',
    unitDisplay: 'short',
    maximumFractionDigits: value < 10 && at > 0 ? 1 : 0,
  }).format(value);
}

/** `42%`. Input is a part of one. */
export function percent(part: number): string {
  return new Intl.NumberFormat(language.value, { style: 'percent', maximumFractionDigits: 0 }).format(part);
}

/** `0.3 s`, `12 s`, `4:07`, `1:02:09`. Input in milliseconds. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1_000;
  if (seconds < 60) {
    const digits = seconds < 10 ? 1 : 0;
    return `${new Intl.NumberFormat(language.value, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(seconds)} s`;
  }
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const minutes = seconds / 60;
  return minutes < 60
    ? `${Math.floor(minutes)}:${two(seconds % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}
