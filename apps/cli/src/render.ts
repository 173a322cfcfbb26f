/** How results look: tables, times, short ids, JSON. Nothing here knows what a project or a run is. */
import { createColors } from 'picocolors';
import type { Output } from './cli.ts';

export type Colors = ReturnType<typeof createColors>;

export function colorsFor(output: Output, env: Readonly<Record<string, string | undefined>>): Colors {
  return createColors(output.isTerminal && env['NO_COLOR'] === undefined && env['TERM'] !== 'dumb');
}

/** Pretty for people who look at it; machines do not mind. */
export const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

export const jsonLine = (value: unknown): string => `${JSON.stringify(value)}\n`;

/** Names come from files and other machines: their control characters must not steer the terminal. */
export const printable = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');

/** Columns as wide as their widest cell, two spaces between them, no space at the end of a line. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], colors: Colors): string {
  const all = [head, ...rows].map((row) => row.map(printable));
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const lines = all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return lines.map((line, index) => `${index === 0 ? colors.dim(line) : line}\n`).join('');
}

/** `2.3 s`, `4 min 05 s`, `2 h 07 min`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  const two = (n: number) => String(n).padStart(2, '0');
  return minutes < 60
    ? `${minutes} min ${two(Math.floor(ms / 1_000) % 60)} s`
    : `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

/** `812 KB`, `1.2 GB`. */
export function bytes(count: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let value = count;
  let unit = 0;
  for (; value >= 1_000 && unit < units.length - 1; unit++) value /= 1_000;
  return `${unit === 0 || value >= 10 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** The local time of an ISO time: `14:02` today, `20 Nov 14:02` before. */
export function localTime(iso: string, now: number): string {
  const at = new Date(iso);
  const time = at.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  if (at.toDateString() === new Date(now).toDateString()) return time;
  return `${at.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })} ${time}`;
}

const SHORTEST_ID = 8;

/** Each id by the shortest beginning, eight characters at least, that no other of the list shares. */
export function shortIds(ids: readonly string[]): (id: string) => string {
  const sorted = ids.toSorted();
  const shared = (a: string, b: string | undefined) => {
    let length = 0;
    while (b !== undefined && length < a.length && a[length] === b[length]) length += 1;
    return length;
  };
  const lengths = new Map(
    sorted.map((id, index) => [
      id,
      Math.max(SHORTEST_ID, shared(id, sorted[index - 1]) + 1, shared(id, sorted[index + 1]) + 1),
    ]),
  );
  return (id) => id.slice(0, lengths.get(id) ?? id.length);
}
