/** One line of `markco doctor`: what was looked at, what was found, and the command that mends it. */
export type Check = {
  readonly name: string;
  readonly found: string;
} & (
  | { readonly state: 'ok' }
  /** `missing`: MarkCo works without it, something that uses it does not. `broken`: MarkCo does not work. */
  | { readonly state: 'missing' | 'broken'; readonly fix: string }
);
