/**
 * What looks like a secret in a page: keys and passwords that nobody means to show.
 *
 * Only forms that are well known are looked for, in text, code and outputs alike, so that what is found is worth a look.
 * A finding has an id of its own, so that its owner can say of just this one that it may be shown.
 */
import { createHash } from 'node:crypto';

export type Finding = {
  /** What it looks like, as it is said to its owner: `an AWS access key`. */
  readonly kind: string;
  /** From 1. */
  readonly line: number;
  /** Of this very text in this very page, 16 hexadecimal digits. */
  readonly id: string;
};

type Pattern = readonly [kind: string, form: RegExp, isOne?: (found: string) => boolean];

/** Findings of one page; one that has more is held back for these already. */
const FINDINGS_MAX = 100;

const isRandom = (text: string): boolean => /\d/.test(text) && /[A-Za-z]/.test(text.slice(3));
const PLACEHOLDER = /^(?:\*+|x+|\.+|…|<.*|\$.*|\{.*|%.*|\[.*|your.*|password|passwd|pass|pw|secret)$/i;

const PATTERNS: readonly Pattern[] = [
  ['a private key', /-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----/g],
  ['an AWS access key', /(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Za-z0-9])/g],
  ['an AWS secret key', /aws_?secret_?(?:access_?)?key["'\s:=]{1,8}[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])/gi],
  ['a GitHub token', /(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{50,255})/g],
  ['a GitLab token', /(?<![A-Za-z0-9])glpat-[\w-]{20,255}/g],
  [
    'a Slack token',
    /(?<![A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9-]{10,255}|hooks\.slack\.com\/services\/T\w{5,20}\/B\w{5,20}\/\w{10,40}/g,
  ],
  ['an API key of an AI service', /(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{20,255}/g, isRandom],
  ['a Stripe key', /(?<![A-Za-z0-9])[sr]k_live_[A-Za-z0-9]{16,255}/g],
  ['a Google API key', /(?<![A-Za-z0-9])AIza[\w-]{35}(?![\w-])/g],
  ['a Hugging Face token', /(?<![A-Za-z0-9])hf_[A-Za-z0-9]{30,100}/g],
  ['an npm token', /(?<![A-Za-z0-9])npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])/g],
  ['a PyPI token', /(?<![A-Za-z0-9])pypi-AgE[\w-]{50,500}/g],
  ['a signed token (JWT)', /(?<![\w-])eyJ[\w-]{8,4000}\.eyJ[\w-]{8,8000}\.[\w-]{8,2000}/g],
  ['a line that signs in to MarkCo', /[#?&]token=[\w-]{40,100}/g],
  [
    'a password in an address',
    /(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:@/'"<>`]{0,100}:[^\s@/'"<>`]{3,200}@[\w.[-]/gi,
    (found) => !PLACEHOLDER.test(/:\/\/[^:]*:(.*)@.$/s.exec(found)?.[1] ?? ''),
  ],
];

/** Colors of a terminal and escapes of Markdown, which stand in the text and are not seen. */
const UNSEEN = /\x1b\[[0-9;:?]*[A-Za-z]|\\(?=[_*~-])/g;

/** @param page what tells this page from others, so that an id is of this page only */
export function findSecrets(text: string, page: string): readonly Finding[] {
  const seen = text.replaceAll(UNSEEN, '');
  const found = new Map<string, Finding & { readonly at: number }>();
  for (const [kind, form, isOne] of PATTERNS)
    for (const match of seen.matchAll(form)) {
      if (found.size >= FINDINGS_MAX) break;
      if (isOne?.(match[0]) === false) continue;
      const id = createHash('sha256').update(`${page}\n${kind}\n${match[0]}`).digest('hex').slice(0, 16);
      if (!found.has(id)) found.set(id, { kind, id, at: match.index, line: lineAt(seen, match.index) });
    }
  return [...found.values()].toSorted((a, b) => a.at - b.at).map(({ kind, id, line }) => ({ kind, id, line }));
}

function lineAt(text: string, at: number): number {
  let line = 1;
  for (let end = text.indexOf('\n'); end >= 0 && end < at; end = text.indexOf('\n', end + 1)) line++;
  return line;
}
