/**
 * A cell's text as the interpreter gets it: TypeScript's types taken out, and `import` made what a cell can do.
 *
 * Text that is JavaScript already stays as it is, to the letter, so that errors name the lines that people see.
 */
import { stripTypeScriptTypes } from 'node:module';
import { Script } from 'node:vm';
import { init, parse } from 'es-module-lexer';

/** Defined in the interpreter (`child/cells.mjs`). */
const IMPORT = '__markco_import';

export async function prepare(code: string): Promise<string> {
  const plain = compiles(code) ? code : withoutTypes(code);
  return /\bimport\b/.test(plain) ? withImports(plain) : plain;
}

/** Whether a cell is whole: more lines may follow `if (x) {`, and none make `x ]` right. */
export function completeness(code: string): 'complete' | 'incomplete' | 'invalid' {
  const problem = problemOf(code) === null ? null : problemOf(withoutTypes(code));
  if (problem === null) return 'complete';
  return /Unexpected end of input|Unterminated template|missing \) after|Unterminated (?:string|regular)/.test(problem)
    ? 'incomplete'
    : 'invalid';
}

function compiles(code: string): boolean {
  return problemOf(code) === null;
}

/** Why it is no JavaScript. `await` and `import` are as good as in a module. */
function problemOf(code: string): string | null {
  const first = tryScript(code);
  if (first === null || !/\bawait\b|\bimport\b/.test(code)) return first;
  const body = code.replace(/^[ \t]*import\s+(?!type\b)[\w*{"'][^;\n(]*?(?:from\s*)?(["'])[^"'\n]*\1[^\n]*$/gm, ';');
  const open = `async () => {\n${body}\n`;
  return tryScript(`${open}}`) === null ? null : tryScript(open);
}

function tryScript(code: string): string | null {
  try {
    new Script(code);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The text itself when it is no TypeScript either: the interpreter then says what is wrong with it. */
function withoutTypes(code: string): string {
  for (const mode of ['strip', 'transform'] as const) {
    try {
      return stripTypeScriptTypes(code, { mode });
    } catch {
      // `enum` and the like need the other mode.
    }
  }
  return code;
}

async function withImports(code: string): Promise<string> {
  await init;
  let imports: ReturnType<typeof parse>[0];
  try {
    [imports] = parse(code);
  } catch {
    return code;
  }
  let made = code;
  for (const { ss, se, d, n } of imports.toReversed()) {
    if (d >= 0) made = `${made.slice(0, ss)}${IMPORT}${made.slice(ss + 'import'.length)}`;
    else if (d === -1 && n !== undefined) made = made.slice(0, ss) + dynamic(made.slice(ss, se), n) + made.slice(se);
  }
  return made;
}

/** `import a, { b as c } from 'd'` as an `await import`, on as many lines. */
function dynamic(statement: string, name: string): string {
  const clause = /^import\s*([^]*?)\s*(?:\bfrom\s*)?["'][^"']*["']/.exec(statement)?.[1] ?? '';
  const loaded = `await ${IMPORT}(${JSON.stringify(name)})`;
  const lines = '\n'.repeat(statement.split('\n').length - 1);
  if (clause === '') return `${loaded};${lines}`;
  const [, first, all, named] = /^([\w$]+)?\s*,?\s*(?:\*\s*as\s+([\w$]+))?\s*(\{[^]*\})?$/.exec(clause) ?? [];
  const parts: string[] = [];
  if (all !== undefined) parts.push(`${all} = ${loaded}`);
  const source = all ?? loaded;
  const wanted = [
    ...(first === undefined ? [] : [`default: ${first}`]),
    ...(named === undefined
      ? []
      : [
          named
            .slice(1, -1)
            .trim()
            .replace(/([\w$]+)\s+as\s+([\w$]+)/g, '$1: $2')
            .replace(/\s+/g, ' '),
        ]),
  ];
  if (wanted.length > 0) parts.push(`{ ${wanted.join(', ')} } = ${source}`);
  return `const ${parts.join(', ')};${lines}`;
}
