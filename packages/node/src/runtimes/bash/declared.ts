/** What `declare -p` prints, read: attributes, and a value or the values of an array. Pure. */
import type { Variable } from '@markco/protocol';

const VALUE_CHARS = 200;
const ELEMENT =
  /\[("(?:[^"\\]|\\[^])*"|\$'(?:[^'\\]|\\[^])*'|[^\]]*)\]=("(?:[^"\\]|\\[^])*"|\$'(?:[^'\\]|\\[^])*'|[^\s)]*)/g;
const ANSI: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  E: '\u{1b}',
  a: '\u{7}',
  b: '\b',
  f: '\f',
  v: '\v',
};

export type Declared = {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'array' | 'map';
  readonly value: string;
  /** Of an array or map. */
  readonly elements: readonly (readonly [key: string, value: string])[] | null;
};

export function readDeclared(text: string): Declared | null {
  const [, flags = '', name = '', rest] = /^declare -([\w-]+) ([A-Za-z_]\w*)(?:=([^]*))?$/.exec(text.trimEnd()) ?? [];
  if (name === '') return null;
  const isMap = flags.includes('A');
  if (isMap || flags.includes('a')) {
    const elements = [...(rest ?? '').matchAll(ELEMENT)].map(
      ([, key = '', value = '']) => [unquoted(key), unquoted(value)] as const,
    );
    const shown = elements.map(([key, value]) => (isMap ? `[${key}]=${value}` : value)).join(' ');
    return { name, type: isMap ? 'map' : 'array', value: `(${shown})`, elements };
  }
  return { name, type: flags.includes('i') ? 'integer' : 'string', value: unquoted(rest ?? ''), elements: null };
}

export function asVariable({ name, type, value, elements }: Declared): Variable {
  return {
    name,
    type,
    value: cut(value, VALUE_CHARS),
    expandable: elements !== null && elements.length > 0,
    ...(elements === null ? {} : { length: elements.length }),
  };
}

export function childrenOf({ elements }: Declared, most: number): Variable[] {
  return (elements ?? [])
    .slice(0, most)
    .map(([name, value]) => ({ name, type: 'string', value: cut(value, VALUE_CHARS), expandable: false }));
}

export function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

function unquoted(text: string): string {
  if (text.startsWith("$'")) {
    return text
      .slice(2, -1)
      .replace(/\\(?:([0-7]{1,3})|([^]))/g, (_, octal: string | undefined, one: string) =>
        octal === undefined ? (ANSI[one] ?? one) : String.fromCharCode(Number.parseInt(octal, 8)),
      );
  }
  return text.startsWith('"') ? text.slice(1, -1).replace(/\\([\\"$`])/g, '$1') : text;
}
