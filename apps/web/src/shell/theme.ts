/** Light, dark, or as the system is. Kept for the next visit, where `theme.js` applies it before the first paint. */
import { signal } from '@preact/signals';

const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const stored = 'theme';
const kept = globalThis.localStorage?.getItem(stored);

export const theme = signal<Theme>(themes.find((known) => known === kept) ?? 'system');

export function setTheme(next: Theme): void {
  theme.value = next;
  localStorage.setItem(stored, next);
  if (next === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = next;
}

/** Goes on to the next theme and names it. */
export function nextTheme(): Theme {
  const next = themes[(themes.indexOf(theme.peek()) + 1) % themes.length] ?? 'system';
  setTheme(next);
  return next;
}
