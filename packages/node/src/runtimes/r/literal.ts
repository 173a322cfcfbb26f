/**
 * A value as R code, on one line: `list(…)` of texts, numbers, truth values and further lists. Pure.
 *
 * R reads it with its own parser, so the driver needs no other. R's texts hold no NUL.
 */
export function literal(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return text(value);
    case 'number':
      return String(value);
    case 'boolean':
      return value ? 'TRUE' : 'FALSE';
    case 'object': {
      if (value === null) return 'NULL';
      if (Array.isArray(value)) return `list(${value.map(literal).join(', ')})`;
      const parts = Object.entries(value).filter(([, each]) => each !== undefined);
      return `list(${parts.map(([name, each]) => `${text(name)} = ${literal(each)}`).join(', ')})`;
    }
    default:
      return 'NULL';
  }
}

/** JSON's escapes are R's too. */
function text(value: string): string {
  return JSON.stringify(value.replaceAll('\0', '').toWellFormed());
}
