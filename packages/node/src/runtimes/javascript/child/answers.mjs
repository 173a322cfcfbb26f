/** Answers about the live session. Nothing of it is changed: what would have an effect is not evaluated. */
import { textOf } from './display.mjs';

const MATCHES_MAX = 500;
const VARIABLES_MAX = 1_000;
const CHILDREN_MAX = 200;
const VALUE_CHARS = 200;
const FULL_CHARS = 20_000;
const CAREFUL = { throwOnSideEffect: true, timeout: 1_000, silent: true };
const KEYWORDS =
  'async await break case catch class const continue default delete do else export extends false finally for function if import in instanceof let new null of return static super switch this throw true try typeof undefined var void while with yield'.split(
    ' ',
  );
/** The end of what is typed: an expression of names and indices, a dot, and the beginning of a name. */
const MEMBER = /((?:[\w$]+|\))(?:\??\.[\w$]+|\[(?:\d+|'[^']*'|"[^"]*")\])*)\??\.([\w$]*)$/;
const WORD = /[\w$]*$/;
const PATH_AT = /(?:[\w$]+(?:\??\.[\w$]+|\[(?:\d+|'[^']*'|"[^"]*")\])*\??\.)?[\w$]+$/;

export function createAnswers(cells) {
  const given = new Set(Object.getOwnPropertyNames(globalThis));

  /** `{ value }`, or null when it fails or would change something. */
  async function look(expression) {
    const told = await cells.evaluate(`(${expression})`, CAREFUL).catch(() => null);
    return told === null || told.problem !== undefined ? null : { value: told.value };
  }

  async function ownNames() {
    const names = new Set(await cells.lexicalNames());
    for (const name of Object.getOwnPropertyNames(globalThis))
      if (!given.has(name) && !name.startsWith('__markco') && name !== '_') names.add(name);
    return [...names];
  }

  async function complete({ code, cursor }) {
    const before = code.slice(0, cursor);
    const member = MEMBER.exec(before);
    const typed = member?.[2] ?? WORD.exec(before)[0];
    const from = { cursorStart: cursor - typed.length, cursorEnd: cursor, source: 'runtime' };
    if (member !== null) {
      const found = await look(member[1]);
      return { matches: found === null ? [] : membersOf(found.value, typed), ...from };
    }
    const own = await ownNames();
    const matches = [];
    for (const name of own.filter((one) => one.startsWith(typed))) {
      const found = await look(name);
      matches.push(found === null ? { label: name, kind: 'variable' } : match(name, found.value));
    }
    for (const name of Object.getOwnPropertyNames(globalThis))
      if (name.startsWith(typed) && given.has(name) && !name.startsWith('__'))
        matches.push({ label: name, kind: kindOfName(name) });
    if (typed !== '')
      for (const label of KEYWORDS) if (label.startsWith(typed)) matches.push({ label, kind: 'keyword' });
    return { matches: matches.slice(0, MATCHES_MAX), ...from };
  }

  async function atCursor({ code, cursor }) {
    const rest = /^[\w$]*/.exec(code.slice(cursor))[0];
    const expression = PATH_AT.exec(code.slice(0, cursor) + rest)?.[0];
    if (expression === undefined || /^\d/.test(expression) || KEYWORDS.includes(expression)) return null;
    const found = await look(expression);
    return found === null ? null : { name: expression, value: found.value };
  }

  async function inspect(question) {
    const found = await atCursor(question);
    if (found === null) return { found: false, source: 'runtime' };
    const { name, value } = found;
    const isFunction = typeof value === 'function';
    return {
      found: true,
      source: 'runtime',
      name,
      kind: kindOf(value),
      type: typeOf(value),
      ...(isFunction ? { signature: signatureOf(name, value) } : {}),
      ...(isFunction && question.detail > 0 ? { sourceCode: cut(String(value), FULL_CHARS) } : {}),
      value: preview(value),
      children: isExpandable(value) ? childrenOf(value, 20) : [],
    };
  }

  async function hover(question) {
    const found = await atCursor(question);
    if (found === null) return { found: false };
    const { name, value } = found;
    const signature = typeof value === 'function' ? { signature: signatureOf(name, value) } : {};
    return { found: true, name, type: typeOf(value), value: preview(value), ...signature };
  }

  async function variables({ filter = {} }) {
    const all = [];
    const fits = patternOf(filter.namePattern);
    for (const name of (await ownNames()).toSorted((a, b) => (a < b ? -1 : 1))) {
      if (filter.excludePrivate && name.startsWith('_')) continue;
      if (!fits.test(name)) continue;
      const found = await look(name);
      if (found === null) continue;
      const shown = variable(name, found.value);
      if (filter.types === undefined || filter.types.includes(shown.type)) all.push(shown);
    }
    const shown = all.slice(0, VARIABLES_MAX);
    return { variables: shown, count: all.length, truncated: shown.length < all.length };
  }

  async function one({ name, path = [], maxChildren = CHILDREN_MAX, maxValueLength = FULL_CHARS }) {
    const found = (await ownNames()).includes(name) || given.has(name) ? await look(name) : null;
    if (found === null) throw new Error(`There is no variable called ${name}.`);
    let { value } = found;
    for (const step of path) {
      const [, next] = entriesOf(value).find(([key]) => key === step) ?? [];
      if (next === undefined) throw new Error(`${name} has nothing called ${step}.`);
      value = next.get();
    }
    const children = childrenOf(value, maxChildren);
    const methods = namesOf(value).filter((key) => typeof valueAt(value, key) === 'function');
    return {
      ...variable(path.at(-1) ?? name, value),
      fullValue: cut(textOf(value), maxValueLength),
      children,
      methods: methods.slice(0, CHILDREN_MAX),
      attributes: children.map((child) => child.name),
      truncated: entriesOf(value).length > children.length,
    };
  }

  const answers = { complete, inspect, hover, variables, variable: one };
  return (kind, question) => answers[kind](question);
}

function patternOf(text) {
  try {
    return new RegExp(text ?? '');
  } catch (error) {
    throw new Error(`\`namePattern\` is no regular expression: ${error.message}.`);
  }
}

/** Getters are not called: they may do anything. */
function valueAt(value, key) {
  for (let at = Object(value); at !== null; at = Object.getPrototypeOf(at)) {
    const own = Object.getOwnPropertyDescriptor(at, key);
    if (own !== undefined) return own.value;
  }
  return undefined;
}

function namesOf(value) {
  const names = new Set();
  if (value === null || value === undefined) return [];
  for (let at = Object(value); at !== null; at = Object.getPrototypeOf(at)) {
    if (at === Object.prototype && names.size > 0) break;
    for (const name of Object.getOwnPropertyNames(at)) if (!/^\d+$/.test(name)) names.add(name);
    if (names.size > MATCHES_MAX * 4) break;
  }
  return [...names];
}

function membersOf(value, typed) {
  return namesOf(value)
    .filter((name) => name.startsWith(typed) && /^[\w$]+$/.test(name) && name !== 'constructor')
    .slice(0, MATCHES_MAX)
    .map((name) => {
      const member = valueAt(value, name);
      return { ...match(name, member), kind: typeof member === 'function' ? 'method' : 'property' };
    });
}

function match(label, value) {
  return { label, kind: kindOf(value), type: typeOf(value), valuePreview: cut(preview(value), 80) };
}

/** What a variable has inside, as keys and ways to get it. */
function entriesOf(value) {
  const get = (inner) => ({ get: () => inner });
  if (value instanceof Map) return [...value].map(([key, inner]) => [keyText(key), get(inner)]);
  if (value instanceof Set) return [...value].map((inner, index) => [String(index), get(inner)]);
  if (typeof value !== 'object' || value === null) return [];
  return Object.keys(value).map((key) => [key, { get: () => valueAt(value, key) }]);
}

function keyText(key) {
  return typeof key === 'string' ? key : textOf(key, { depth: 0 });
}

function childrenOf(value, most) {
  return entriesOf(value)
    .slice(0, most)
    .map(([key, inner]) => variable(key, inner.get()));
}

function variable(name, value) {
  const length = value?.length ?? value?.size;
  return {
    name: cut(name, 1_000),
    type: typeOf(value),
    value: preview(value),
    expandable: isExpandable(value),
    ...(Number.isInteger(length) && length >= 0 && typeof value !== 'function' ? { length } : {}),
  };
}

function isExpandable(value) {
  return typeof value === 'object' && value !== null && entriesOf(value).length > 0;
}

function typeOf(value) {
  if (value === null) return 'null';
  if (typeof value !== 'object') return typeof value;
  return valueAt(value, 'constructor')?.name || 'Object';
}

function kindOf(value) {
  if (typeof value !== 'function') return 'variable';
  return /^class\b/.test(Function.prototype.toString.call(value)) ? 'class' : 'function';
}

function kindOfName(name) {
  return kindOf(Object.getOwnPropertyDescriptor(globalThis, name)?.value);
}

function signatureOf(name, value) {
  const text = Function.prototype.toString.call(value);
  const list = /^(?:async\s+)?(?:function\s*\*?\s*[\w$]*\s*)?\(([^)]*)\)/.exec(text)?.[1] ?? '…';
  return `${name}(${list.replace(/\s+/g, ' ').trim()})`;
}

function preview(value) {
  return cut(textOf(value, { depth: 1, breakLength: Infinity, compact: true, maxArrayLength: 10 }), VALUE_CHARS);
}

function cut(text, most) {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
