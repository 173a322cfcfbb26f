/**
 * Colors and weights of terminal text (ECMA-48 SGR): 16 named, 256 and true color.
 *
 * Invariant: a style is a frozen value; two equal styles have equal keys, so runs of text can be joined by key.
 */
export type TextStyle = {
  /** `0`–`15`: a color of the theme. `#rrggbb`: itself. Empty: the default. */
  readonly fg: string;
  readonly bg: string;
  readonly bold: boolean;
  readonly dim: boolean;
  readonly italic: boolean;
  readonly underline: boolean;
  readonly inverse: boolean;
  readonly strike: boolean;
  readonly stderr: boolean;
  readonly key: string;
};

type Fields = Omit<TextStyle, 'key'>;

const PLAIN: Fields = {
  fg: '',
  bg: '',
  bold: false,
  dim: false,
  italic: false,
  underline: false,
  inverse: false,
  strike: false,
  stderr: false,
};

function styled(fields: Fields): TextStyle {
  const flags = [
    fields.bold,
    fields.dim,
    fields.italic,
    fields.underline,
    fields.inverse,
    fields.strike,
    fields.stderr,
  ];
  return { ...fields, key: `${fields.fg}|${fields.bg}|${flags.map((flag) => (flag ? '1' : '')).join(',')}` };
}

export const PLAIN_STYLE = styled(PLAIN);
export const STDERR_STYLE = styled({ ...PLAIN, stderr: true });

/** The style after `ESC [ <parameters> m`. Unknown parameters change nothing. */
export function applySgr(style: TextStyle, parameters: string): TextStyle {
  const codes = parameters === '' ? [0] : parameters.split(/[;:]/, 64).map((part) => (part === '' ? 0 : Number(part)));
  let next: Fields = style;
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] ?? 0;
    if (code === 38 || code === 48) {
      const { color, used } = extendedColor(codes, i + 1);
      i += used;
      if (color !== null) next = code === 38 ? { ...next, fg: color } : { ...next, bg: color };
    } else {
      next = applyCode(next, code);
    }
  }
  return styled(next);
}

function applyCode(style: Fields, code: number): Fields {
  if (code >= 30 && code <= 37) return { ...style, fg: String(code - 30) };
  if (code >= 40 && code <= 47) return { ...style, bg: String(code - 40) };
  if (code >= 90 && code <= 97) return { ...style, fg: String(code - 82) };
  if (code >= 100 && code <= 107) return { ...style, bg: String(code - 92) };
  switch (code) {
    case 0:
      return { ...PLAIN, stderr: style.stderr };
    case 1:
      return { ...style, bold: true };
    case 2:
      return { ...style, dim: true };
    case 3:
      return { ...style, italic: true };
    case 4:
    case 21:
      return { ...style, underline: true };
    case 7:
      return { ...style, inverse: true };
    case 9:
      return { ...style, strike: true };
    case 22:
      return { ...style, bold: false, dim: false };
    case 23:
      return { ...style, italic: false };
    case 24:
      return { ...style, underline: false };
    case 27:
      return { ...style, inverse: false };
    case 29:
      return { ...style, strike: false };
    case 39:
      return { ...style, fg: '' };
    case 49:
      return { ...style, bg: '' };
    default:
      return style;
  }
}

function extendedColor(codes: readonly number[], at: number): { color: string | null; used: number } {
  if (codes[at] === 5) return { color: paletteColor(codes[at + 1] ?? 0), used: 2 };
  if (codes[at] === 2) return { color: hex(codes[at + 1] ?? 0, codes[at + 2] ?? 0, codes[at + 3] ?? 0), used: 4 };
  return { color: null, used: 0 };
}

function paletteColor(index: number): string | null {
  if (!(index >= 0 && index <= 255)) return null;
  if (index < 16) return String(index);
  if (index >= 232) {
    const gray = (index - 232) * 10 + 8;
    return hex(gray, gray, gray);
  }
  const level = (step: number): number => (step === 0 ? 0 : step * 40 + 55);
  const cube = index - 16;
  return hex(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6));
}

function hex(...channels: readonly number[]): string {
  return `#${channels
    .map((value) =>
      Math.min(255, Math.max(0, value || 0))
        .toString(16)
        .padStart(2, '0'),
    )
    .join('')}`;
}
