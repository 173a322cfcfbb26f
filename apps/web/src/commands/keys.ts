/**
 * Keys as CodeMirror writes them (`Mod-Shift-p`, `?`): matched against events, and written for people.
 * `Mod` is ⌘ on Apple's machines and Ctrl elsewhere.
 */
export type KeyPress = {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly shiftKey: boolean;
  readonly altKey: boolean;
};

/** Keys that browsers own: a page that takes them closes tabs and loses work. */
export const NEVER_TAKEN = ['Mod-w', 'Mod-t', 'Mod-n', 'Mod-l'] as const;

type Parsed = {
  readonly mod: boolean;
  readonly ctrl: boolean;
  readonly shift: boolean;
  readonly alt: boolean;
  readonly key: string;
};

function parse(keys: string): Parsed {
  const parts = keys.split(/-(?!$)/);
  return {
    mod: parts.includes('Mod'),
    ctrl: parts.includes('Ctrl'),
    shift: parts.includes('Shift'),
    alt: parts.includes('Alt'),
    key: parts.at(-1) ?? '',
  };
}

export function matches(keys: string, press: KeyPress, apple: boolean): boolean {
  const { mod, ctrl, shift, alt, key } = parse(keys);
  if (press.key.toLowerCase() !== key.toLowerCase()) return false;
  const wantsCtrl = ctrl || (mod && !apple);
  const wantsMeta = mod && apple;
  // A sign such as `?` is made with Shift on most keyboards, so Shift says nothing about it.
  const shiftFits = press.shiftKey === shift || (!shift && /^[^a-z0-9]$/i.test(key));
  return press.ctrlKey === wantsCtrl && press.metaKey === wantsMeta && press.altKey === alt && shiftFits;
}

const appleSigns: Readonly<Record<string, string>> = {
  Mod: '⌘',
  Ctrl: '⌃',
  Shift: '⇧',
  Alt: '⌥',
  Enter: '↵',
  Escape: 'esc',
};
const otherSigns: Readonly<Record<string, string>> = { Mod: 'Ctrl', Escape: 'Esc' };

/** `['Ctrl', 'Shift', 'P']` or `['⇧', '⌘', 'P']`, a sign each, for `<kbd>`. Several presses (`i i`) follow one another. */
export function signs(keys: string, apple: boolean): readonly string[] {
  return keys
    .split(' ')
    .flatMap((press) =>
      press
        .split(/-(?!$)/)
        .map(
          (part) =>
            (apple ? appleSigns : otherSigns)[part] ??
            (part.length === 1 && press.length > 1 ? part.toUpperCase() : part),
        ),
    );
}
