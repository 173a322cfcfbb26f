/** The option that keeps a cell on one device, as a change of its lines: `#| on: gpu-box`. */
import type { Language } from '@markco/protocol';

export type PinEdit = {
  /** Index of the line that is replaced, or before which one is put in. */
  readonly line: number;
  readonly replaces: boolean;
  /** The line without its end; null to take the old one out. */
  readonly text: string | null;
};

/**
 * @param lines the cell's lines without the marks of what it lies in
 * @param name of the device; null to let the run go where it is best
 * @returns null when there is nothing to change
 */
export function pinEdit(lines: readonly string[], language: Language, name: string | null): PinEdit | null {
  const mark = language === 'js' ? '//|' : '#|';
  const end = lines.findIndex((line) => !line.trimStart().startsWith(mark));
  const options = end < 0 ? lines : lines.slice(0, end);
  const known = options.findIndex((line) => /^\s?on\s*:/.test(line.trimStart().slice(mark.length)));
  const text = name === null ? null : `${mark} on: ${asYaml(name)}`;
  if (known >= 0) return lines[known] === text ? null : { line: known, replaces: true, text };
  return text === null ? null : { line: options.length, replaces: false, text };
}

/** Names that YAML would read as something else are quoted. */
function asYaml(name: string): string {
  const isPlain = /^[A-Za-z](?:[\w .-]*[\w.-])?$/.test(name) && !/^(?:true|false|null|yes|no|on|off)$/i.test(name);
  return isPlain ? name : JSON.stringify(name);
}
