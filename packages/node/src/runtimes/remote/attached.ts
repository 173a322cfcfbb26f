/**
 * The runtime servers that the owner of this device has attached: `runtimes.json` in the state folder, a list of
 * `{"name", "language", "url", "token"?}`. A document names one of them and never an address.
 *
 * 1. The file may hold tokens: it is read only when nobody but its owner can.
 * 2. One entry that is wrong makes the file wrong: what it says is told, nothing of it is used.
 */
import { open } from 'node:fs/promises';
import path from 'node:path';

export type Attached = {
  readonly name: string;
  /** In lower case. */
  readonly language: string;
  /** Ends with a slash; the protocol's paths go behind it. */
  readonly url: string;
  readonly token: string | null;
};

const ATTACHED_FILE = 'runtimes.json';

const FILE_BYTES_MAX = 64 * 1024;
const ENTRIES_MAX = 100;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const FIELDS: ReadonlySet<string> = new Set(['name', 'language', 'url', 'token']);

/** Empty when there is no such file. Rejects with a sentence when it is wrong. */
export async function readAttached(home: string): Promise<readonly Attached[]> {
  const file = path.join(home, ATTACHED_FILE);
  const text = await readPrivate(file);
  if (text === null) return [];
  const wrong = (why: string): Error => new Error(`${file} cannot be used: ${why}`);
  let written: unknown;
  try {
    written = JSON.parse(text);
  } catch {
    throw wrong('it is no JSON. It must be a list of {"name", "language", "url"}.');
  }
  if (!Array.isArray(written)) throw wrong('it must be a list of {"name", "language", "url"}.');
  if (written.length > ENTRIES_MAX) throw wrong(`it has more than ${ENTRIES_MAX} entries. Take some out.`);
  const entries = written.map((entry, index) => parseEntry(entry, (why) => wrong(`entry ${index + 1} ${why}`)));
  const names = new Set<string>();
  for (const { name } of entries) {
    if (names.has(name.toLowerCase())) throw wrong(`the name ${name} is there twice. Rename one.`);
    names.add(name.toLowerCase());
  }
  return entries;
}

/** How a session names an attached server: the file and the name. Its token is read from there by whoever needs it. */
export function attachedExecutable(home: string, name: string): string {
  return `${path.join(home, ATTACHED_FILE)}#${name}`;
}

export function isAttached(executable: string): boolean {
  return executable.includes(`${path.sep}${ATTACHED_FILE}#`);
}

/** Rejects with a sentence when it is there no more. */
export async function findAttached(executable: string): Promise<Attached> {
  const at = executable.lastIndexOf('#');
  const [file, name] = [executable.slice(0, at), executable.slice(at + 1)];
  const found = (await readAttached(path.dirname(file))).find((each) => each.name === name);
  if (found === undefined) throw new Error(`No runtime called ${name} is attached any more (${file}).`);
  return found;
}

async function readPrivate(file: string): Promise<string | null> {
  try {
    await using opened = await open(file, 'r');
    const { mode, size } = await opened.stat();
    if ((mode & 0o077) !== 0)
      throw new Error(`${file} can be read by others of this machine. Close it first: chmod 600 ${file}`);
    if (size > FILE_BYTES_MAX)
      throw new Error(`${file} cannot be used: it is larger than ${FILE_BYTES_MAX / 1024} KB.`);
    return await opened.readFile('utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function parseEntry(entry: unknown, wrong: (why: string) => Error): Attached {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
    throw wrong('is no {"name", "language", "url"}.');
  const { name, language, url, token } = entry as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(entry).find((field) => !FIELDS.has(field));
  if (unknown !== undefined) throw wrong(`has a field ${unknown} that means nothing.`);
  if (typeof name !== 'string' || !NAME.test(name))
    throw wrong('needs a `name` of letters, digits, dots, dashes and underscores, 100 at most.');
  if (typeof language !== 'string' || !NAME.test(language)) throw wrong(`(${name}) needs a \`language\`.`);
  // Goes into a header: no line may end in it.
  if (token !== undefined && (typeof token !== 'string' || !/^[\x21-\x7e]{1,4096}$/.test(token)))
    throw wrong(`(${name}) has a \`token\` that is no line of plain characters.`);
  return { name, language: language.toLowerCase(), url: addressOf(url, name, wrong), token: token ?? null };
}

function addressOf(url: unknown, name: string, wrong: (why: string) => Error): string {
  const parsed = typeof url === 'string' && url.length <= 2_000 ? URL.parse(url) : null;
  if (parsed === null || !['http:', 'https:'].includes(parsed.protocol))
    throw wrong(`(${name}) needs a \`url\` that begins with http:// or https://.`);
  if (parsed.username !== '' || parsed.password !== '')
    throw wrong(`(${name}) has a password in its \`url\`. Put it into \`token\`.`);
  if (parsed.search !== '' || parsed.hash !== '')
    throw wrong(`(${name}) has a \`url\` with a ? or a #. Leave that out.`);
  return parsed.href.endsWith('/') ? parsed.href : `${parsed.href}/`;
}
