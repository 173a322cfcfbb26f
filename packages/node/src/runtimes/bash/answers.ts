/** Answers about the live shell, each asked of it in a subshell: its state stays as it is. */
import path from 'node:path';
import type { Answer, Question, QuestionKind, Variable } from '@markco/protocol';
import { runFilter } from '../keeper/run-filter.ts';
import { asVariable, childrenOf, cut, readDeclared, type Declared } from './declared.ts';

const MATCHES_MAX = 500;
const VARIABLES_MAX = 1_000;
const FULL_CHARS = 20_000;
const CHILDREN = 200;
const HELP_LINES = 12;
const HOW_TO_FORMAT =
  'No formatter of Bash is installed on this device. Install shfmt: `sudo apt install shfmt`, `brew install shfmt`, or from https://github.com/mvdan/sh';
/** Changed by every command, or the shell's own affair. */
const NOT_SHOWN = /^(?:__markco\w*|_|BASH\w*|FUNCNAME|OPTIND|OPTARG|PIPESTATUS|COLUMNS|LINES|OLDPWD)$/;
/** Where a word is a command: at the beginning, and after what separates or introduces one. */
const COMMAND_NEXT = /(?:^|[;|&(`!{]|\b(?:then|do|else|elif|if|while|until|time|sudo|exec|command))\s*$/;
const KINDS = { k: 'keyword', f: 'function', a: 'function', b: 'function', c: 'function', v: 'variable' } as const;
const DETAILS: Readonly<Record<string, string>> = { a: 'alias', b: 'builtin', c: 'command', d: 'folder', p: 'file' };

export type BashAnswersParts = {
  readonly executable: string;
  readonly cwd: string;
  /** Runs a question of `shell.bash` and resolves with what it printed. Rejects while a cell runs. */
  query(...words: readonly string[]): Promise<string>;
};

type Match = Answer<'complete'>['matches'][number];

export function createBashAnswers({ executable, cwd, query }: BashAnswersParts) {
  let given: ReadonlySet<string> | null = null;

  async function names(): Promise<readonly string[]> {
    const all = (await query('names')).split('\n').filter((name) => name !== '' && !NOT_SHOWN.test(name));
    const before = given ?? new Set();
    return all.filter((name) => !before.has(name));
  }

  async function declared(wanted: readonly string[]): Promise<readonly Declared[]> {
    if (wanted.length === 0) return [];
    const told = (await query('values', ...wanted)).split('\0');
    return told.map(readDeclared).filter((one) => one !== null);
  }

  async function complete({ code, cursor }: Question<'complete'>): Promise<Answer<'complete'>> {
    const before = code.slice(code.lastIndexOf('\n', cursor - 1) + 1, cursor);
    const variable = /\$\{?(\w*)$/.exec(before)?.[1];
    const typed = variable ?? /[^\s'"`;|&()<>={}$]*$/.exec(before)?.[0] ?? '';
    const isCommand = COMMAND_NEXT.test(before.slice(0, before.length - typed.length)) && !typed.includes('/');
    const what = variable !== undefined ? 'variable' : isCommand && typed !== '' ? 'command' : 'file';
    const told = await query(what, typed);
    return { matches: matchesOf(told), cursorStart: cursor - typed.length, cursorEnd: cursor, source: 'runtime' };
  }

  async function inspect(question: Question<'inspect'>): Promise<Answer<'inspect'>> {
    const word = wordAt(question);
    if (word === '') return { found: false, source: 'runtime' };
    const [variable] = /^[A-Za-z_]\w*$/.test(word) ? await declared([word]) : [];
    if (variable !== undefined) {
      const { type, value } = variable;
      const children = childrenOf(variable, 20);
      return {
        found: true,
        source: 'runtime',
        name: word,
        kind: 'variable',
        type,
        value: cut(value, FULL_CHARS),
        children,
      };
    }
    const [kind = '', text = ''] = (await query('word', word)).split('\0');
    if (kind.trim() === '') return { found: false, source: 'runtime' };
    const told = { found: true, source: 'runtime', name: word, kind: kind.trim(), type: kind.trim() } as const;
    if (told.kind === 'function') return { ...told, sourceCode: cut(text.trim(), FULL_CHARS) };
    return { ...told, docstring: text.trim().split('\n').slice(0, HELP_LINES).join('\n') };
  }

  async function hover(question: Question<'hover'>): Promise<Answer<'hover'>> {
    const { found, name, type, value, sourceCode, docstring } = await inspect(question);
    if (!found || name === undefined || type === undefined) return { found: false };
    const text = value ?? (sourceCode ?? docstring ?? '').split('\n').slice(0, HELP_LINES).join('\n');
    return { found, name, type, value: cut(text, FULL_CHARS) };
  }

  async function variables({ filter = {} }: Question<'variables'>): Promise<Answer<'variables'>> {
    const fits = patternOf(filter.namePattern);
    const all: Variable[] = (await declared(await names()))
      .filter(({ name, type }) => (filter.types?.includes(type) ?? true) && fits.test(name))
      .filter(({ name }) => filter.excludePrivate !== true || !name.startsWith('_'))
      .map(asVariable);
    return { variables: all.slice(0, VARIABLES_MAX), count: all.length, truncated: all.length > VARIABLES_MAX };
  }

  async function variable({
    name,
    path: keys = [],
    maxChildren = CHILDREN,
    maxValueLength = FULL_CHARS,
  }: Question<'variable'>): Promise<Answer<'variable'>> {
    const [found] = /^[A-Za-z_]\w*$/.test(name) ? await declared([name]) : [];
    if (found === undefined) throw new Error(`There is no variable called ${name}.`);
    const [key, ...deeper] = keys;
    const nothing = { methods: [], attributes: [], truncated: false };
    if (key !== undefined) {
      const [, value] = found.elements?.find(([one]) => one === key) ?? [];
      if (value === undefined || deeper.length > 0) throw new Error(`${name} has nothing called ${keys.join(', ')}.`);
      const shown = { name: key, type: 'string', value: cut(value, 200), expandable: false };
      return { ...shown, fullValue: cut(value, maxValueLength), children: [], ...nothing };
    }
    const children = childrenOf(found, maxChildren);
    const truncated = (found.elements?.length ?? 0) > children.length;
    return { ...asVariable(found), fullValue: cut(found.value, maxValueLength), children, ...nothing, truncated };
  }

  /** Asked of another shell, which reads and runs nothing: also while a cell is on. */
  async function isComplete({ code }: Question<'isComplete'>): Promise<Answer<'isComplete'>> {
    const checked = await runFilter(executable, ['--norc', '-n'], `${code}\n`, cwd);
    if (checked === null || checked.code === null) return { status: 'unknown', indent: '' };
    const isOpen = /unexpected end of file|unexpected EOF|delimited by end-of-file/.test(checked.stderr);
    if (isOpen || /(?:^|[^\\])(?:\\\\)*\\$/.test(code)) return { status: 'incomplete', indent: '' };
    return { status: checked.code === 0 ? 'complete' : 'invalid', indent: '' };
  }

  async function format({ code }: Question<'format'>): Promise<Answer<'format'>> {
    const formatted = await runFilter('shfmt', ['-ln', 'bash', '-i', '2'], code, cwd);
    if (formatted === null) throw new Error(HOW_TO_FORMAT);
    if (formatted.code !== 0) throw new Error(`shfmt did not take it: ${formatted.stderr.trim().slice(0, 500)}`);
    const text = code.endsWith('\n') ? formatted.stdout : formatted.stdout.replace(/\n$/, '');
    return { formatted: text, changed: text !== code };
  }

  const answers = { complete, inspect, hover, variables, variable, isComplete, format };

  return {
    /** What is there before anybody ran anything is not the person's. */
    async begin(): Promise<void> {
      given = new Set((await query('names')).split('\n'));
    },
    ask(kind: QuestionKind, question: unknown): Promise<unknown> {
      const answer = Object.hasOwn(answers, kind) ? answers[kind as keyof typeof answers] : undefined;
      if (answer === undefined) return Promise.reject(new Error('Bash does not answer this.'));
      return (answer as (question: unknown) => Promise<unknown>)(question);
    },
  };
}

function matchesOf(told: string): Match[] {
  const byLabel = new Map<string, Match>();
  for (const line of told.split('\n')) {
    const [tag, label] = [line.slice(0, 1), line.slice(2)];
    if (label === '' || NOT_SHOWN.test(label) || byLabel.has(label)) continue;
    const detail = DETAILS[tag];
    const kind = KINDS[tag as keyof typeof KINDS] ?? 'value';
    const insert = tag === 'd' ? { insertText: `${label}/` } : {};
    byLabel.set(label, { label: tag === 'd' ? `${label}/` : label, kind, ...(detail && { detail }), ...insert });
    if (byLabel.size >= MATCHES_MAX) break;
  }
  return [...byLabel.values()].filter(({ label, detail }) => detail !== 'file' || path.basename(label) !== '');
}

function patternOf(text: string | undefined): RegExp {
  try {
    return new RegExp(text ?? '');
  } catch (error) {
    throw new Error(`\`namePattern\` is no regular expression: ${String(error)}.`, { cause: error });
  }
}

/** The name of a variable, function or command around the cursor. */
function wordAt({ code, cursor }: { readonly code: string; readonly cursor: number }): string {
  const before = /[\w.+/-]*$/.exec(code.slice(0, cursor))?.[0] ?? '';
  const after = /^[\w.+/-]*/.exec(code.slice(cursor))?.[0] ?? '';
  return before + after;
}
