import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test as base } from 'vitest';
import { eventsOf, eventually, firstEvent, textOf } from '../../runs/runs.fixture.ts';
import { withLanguage, type LanguageSession } from '../language-session.fixture.ts';
import { completeness, prepare } from './source.ts';

const test = base.extend<{ js: LanguageSession }>({ js: async ({}, use) => withLanguage('js', use) });

test('the last value is the result, unless a semicolon ends it', async ({ js }) => {
  expect(await js.shown('1 + 1')).toBe('2');
  expect(await js.shown('1 + 1;')).toBeNull();
  expect(await js.shown('let a = 1')).toBeNull();
  expect(await js.shown('({ a: [1, "x"], m: new Map([[1, 2]]) })')).toBe("{ a: [ 1, 'x' ], m: Map(1) { 1 => 2 } }");
  expect(await js.shown('{ b: 2 }')).toBe('{ b: 2 }');
  expect(await js.shown('10n ** 20n')).toBe('100000000000000000000n');
  expect(await js.shown('({ [Symbol.for("nodejs.util.inspect.custom")]: () => "mine" })')).toBe('mine');
  expect(await js.shown('_')).toBe('mine');
});

test('names may be declared again, and `await` stands where it likes', async ({ js }) => {
  await js.run('const a = 1; let b = 2; class C {}; function f() { return 3 }');
  expect(await js.shown('const a = await Promise.resolve(10); let b = a; class C {}\na + b + f()')).toBe('23');
  expect(await js.shown('typeof C')).toBe("'function'");
});

test('TypeScript runs as it is written', async ({ js }) => {
  expect(await js.shown('interface P { n: number }\nconst p: P = { n: 4 }\nconst g = <T,>(x: T): T => x\ng(p.n)')).toBe(
    '4',
  );
  expect(await js.shown('enum Color { Red, Green }\nColor.Green')).toBe('1');
  expect(await js.shown('const q: number = await Promise.resolve(7) as number\nq')).toBe('7');
});

test('packages of the project and files of its folder are imported and required', async ({ js }) => {
  const folder = path.join(js.device.project, 'node_modules', 'pkg');
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'package.json'), '{"name":"pkg","type":"module","exports":"./m.js"}');
  await writeFile(path.join(folder, 'm.js'), 'export default "d"; export const a = "a", b = "b";');
  await writeFile(path.join(js.device.project, 'own.cjs'), 'module.exports = { own: 5 }');
  expect(await js.shown('import d, { a, b as c } from "pkg"\nd + a + c')).toBe("'dab'");
  expect(await js.shown('import * as all from "pkg"\nimport "node:fs"\nall.b')).toBe("'b'");
  expect(await js.shown('(await import("./own.cjs")).default.own')).toBe('5');
  expect(await js.shown('require("./own.cjs").own')).toBe('5');
  expect(await js.shown('import { join } from "node:path"\njoin("a", "b")')).toBe("'a/b'");
  expect(await js.shown('import nothing from "no-such-package"')).toContain('no-such-package');
});

test('an error says where in the cell, and nothing of what runs it', async ({ js }) => {
  const { events } = await js.run('function inner() { throw new TypeError("no") }\n\ninner()');
  const last = events.at(-1);
  if (last?.type !== 'error') throw new Error('it did not fail');
  expect(last.payload).toMatchObject({ type: 'TypeError', message: 'no' });
  expect(last.payload.traceback.join('\n')).toMatch(/^TypeError: no\n\s+at inner \(cell-1:1:\d+\)\n\s+at cell-1:3:1$/);
  const wrong = (await js.run('let ok = 1\nlet = = 2')).events.at(-1);
  if (wrong?.type !== 'error') throw new Error('it did not fail');
  expect(wrong.payload.traceback.slice(0, 3)).toEqual(['cell-2:2:7', 'let = = 2', '      ^']);
  expect(await js.shown('throw 5')).toBe('Uncaught: 5');
  expect(await js.shown('JSON.parse("{")')).toMatch(/^SyntaxError: /);
});

test('code that never comes back after an `await` is interrupted too', async ({ js }) => {
  await js.run('let kept = 1');
  const endless = js.request('await new Promise((wake) => setTimeout(wake, 20)); console.log("busy"); for (;;);');
  await js.device.runs.submit(endless);
  await firstEvent(js.device.runs, endless.id, (event) => textOf([event]).includes('busy'));
  await js.device.runs.cancel(endless.id, AbortSignal.timeout(10_000));
  expect((await js.device.runs.get(endless.id))?.state).toBe('cancelled');
  expect(await js.shown('kept')).toBe('1');
});

test('what was interrupted is collected as garbage, and the session lives', async ({ js }) => {
  await js.run(`let kept = 1; require("node:v8").setFlagsFromString("--expose-gc")
const collect = require("node:vm").runInNewContext("gc");`);
  for (const endless of ['await new Promise(() => {})', 'await null; for (;;);']) {
    const request = js.request(`console.log("busy"); ${endless}`);
    await js.device.runs.submit(request);
    await firstEvent(js.device.runs, request.id, (event) => textOf([event]).includes('busy'));
    await js.device.runs.cancel(request.id, AbortSignal.timeout(10_000));
    expect(await js.shown('for (let round = 0; round < 3; round++) collect(); kept')).toBe('1');
  }
});

test('who is interrupted in the midst of printing can print again', async ({ js }) => {
  for (let round = 0; round < 5; round++) {
    const flood = js.request('await null; for (let i = 0; ; i++) console.log("busy", i);');
    await js.device.runs.submit(flood);
    await firstEvent(js.device.runs, flood.id, (event) => textOf([event]).includes('busy'));
    await js.device.runs.cancel(flood.id, AbortSignal.timeout(10_000));
    expect((await js.run('console.log("again")')).text).toBe('again\n');
  }
  expect(js.device.runs.sessions.list()).toHaveLength(1);
});

test('streams take what Node streams take', async ({ js }) => {
  const { text } = await js.run(`const { stdout } = process;
stdout.write("6f6e65", "hex"); stdout.write(Buffer.from(" two ")); stdout.write(new Uint8Array([0xc3])); stdout.write(new Uint8Array([0xa9]));
await new Promise((done) => stdout.write("\\n", done));
await require("node:stream/promises").pipeline(["three", "\\n"], stdout);
stdout.write("four\\n");
try { stdout.write(6) } catch (error) { console.log(error.code) }`);
  expect(text).toBe('one two é\nthree\nfour\nERR_INVALID_ARG_TYPE\n');
});

test('a question that is interrupted lets the session go on', async ({ js }) => {
  await js.run('let kept = 1');
  const asking = js.request('prompt("never?"); console.log("went on")');
  await js.device.runs.submit(asking);
  await firstEvent(js.device.runs, asking.id, (event) => event.type === 'stdin-request');
  await js.device.runs.cancel(asking.id, AbortSignal.timeout(10_000));
  expect(textOf(await eventsOf(js.device.runs, asking.id))).toBe('');
  expect(await js.shown('kept')).toBe('1');
});

test('`readline` and what a subprocess reads are asked for', async ({ js }) => {
  for (const code of [
    'import readline from "node:readline/promises"\nconst rl = readline.createInterface({ input: process.stdin })\nconsole.log(`<${await rl.question("")}>`); rl.close()',
    'require("node:child_process").execSync("read x; echo \\"<$x>\\"", { stdio: "inherit" });',
  ]) {
    const asking = js.request(code);
    await js.device.runs.submit(asking);
    await firstEvent(js.device.runs, asking.id, (event) => event.type === 'stdin-request');
    await js.device.runs.input(asking.id, 'yes', AbortSignal.timeout(5_000));
    expect(textOf(await eventsOf(js.device.runs, asking.id))).toContain('<yes>');
  }
});

test('a flood of prints keeps its order, with what others print and with the last words of a program that exits', async ({
  js,
}) => {
  const lines = (from: string, count: number): string =>
    Array.from({ length: count }, (_, index) => `${from} ${index}\n`).join('');
  const { text, run } = await js.run(`const { execSync } = require("node:child_process");
for (let round = 0; round < 3; round++) {
  for (let i = 0; i < 5_000; i++) (i % 1_000 < 500 ? console.log : console.error)("code", i);
  execSync("echo program", { stdio: "inherit" });
}
display("x".repeat(1_000_000));
for (let i = 0; i < 5_000; i++) console.log("after", i);`);
  expect(run.state).toBe('completed');
  expect(text).toBe(`${`${lines('code', 5_000)}program\n`.repeat(3)}${lines('after', 5_000)}`);
  const leaving = await js.run(`process.on("exit", () => { for (let i = 0; i < 5_000; i++) console.log("exit", i) });
for (let i = 0; i < 5_000; i++) console.log("code", i);
process.exit(0)`);
  expect(leaving.text).not.toContain('debugger');
  expect(leaving.text).toContain(`${lines('code', 5_000)}${lines('exit', 5_000)}`);
});

test('what nobody catches is told in the next output, and the session lives', async ({ js }) => {
  let { text } = await js.run('var marker = 1; setTimeout(() => Promise.reject(new Error("late")), 10);');
  text += (await js.run('setTimeout(() => { throw new Error("thrown") }, 10);')).text;
  await eventually(async () => {
    text += (await js.run('await new Promise((wake) => setTimeout(wake, 50))')).text;
    return text.includes('Error: late') && text.includes('Error: thrown');
  });
  expect(await js.shown('marker')).toBe('1');
});

test('`process.exit` ends the run, and the next one has a new session', async ({ js }) => {
  await js.run('let gone = 1');
  const { run, events } = await js.run('console.log("bye"); process.exit(3)');
  expect(run.state).toBe('failed');
  expect(events.at(-1)).toMatchObject({ payload: { type: 'ExitCode', message: 'exit code 3' } });
  expect(await js.shown('typeof gone')).toBe("'undefined'");
  expect((await js.run('process.exit(0)')).run.state).toBe('completed');
  expect(await js.shown('1')).toBe('1');
});

test('bundles are shown as what they are, and replaced in their place', async ({ js }) => {
  const { events } = await js.run(
    'const shown = display({ "image/png": Buffer.from("PNG"), "text/html": "<b>x</b>" }); shown.update("now")',
  );
  const [first, second] = events.filter((event) => event.type === 'display');
  expect(first?.payload.data).toEqual({ 'image/png': 'UE5H', 'text/html': '<b>x</b>' });
  expect(second?.payload.data).toEqual({ 'text/plain': "'now'" });
  expect(second?.payload.metadata).toEqual({ displayId: first?.payload.metadata['displayId'], update: true });
});

test('questions are answered by the live session, and change nothing', async ({ js }) => {
  await js.run('const user = { name: "Ada", tags: ["x", "y"], get side() { effects++; return 1 } }; let effects = 0');
  await js.run('function greet(who, how = 1) { return who }; class Box { open() {} }; const box = new Box();');
  const labels = async (code: string): Promise<string[]> => {
    const told = (await js.ask('complete', { code, cursor: code.length })) as { matches: { label: string }[] };
    return told.matches.map((match) => match.label);
  };
  expect(await labels('us')).toContain('user');
  expect(await labels('user.na')).toEqual(['name']);
  expect(await labels('user.tags[0].toUp')).toContain('toUpperCase');
  expect(await labels('box.')).toContain('open');
  expect(await labels('Math.ma')).toEqual(['max']);
  expect(await labels('whi')).toContain('while');
  expect(await js.ask('complete', { code: 'a = user.na', cursor: 11 })).toMatchObject({
    cursorStart: 9,
    cursorEnd: 11,
  });
  expect(await js.ask('hover', { code: 'greet(1)', cursor: 2 })).toMatchObject({
    found: true,
    signature: 'greet(who, how = 1)',
  });
  expect(await js.ask('inspect', { code: 'user.name', cursor: 9 })).toMatchObject({ found: true, value: "'Ada'" });
  expect(await js.ask('hover', { code: 'effects++', cursor: 3 })).toMatchObject({ value: '0' });
  const { variables } = (await js.ask('variables', {})) as { variables: { name: string }[] };
  expect(variables.map((one) => one.name)).toEqual(['Box', 'box', 'effects', 'greet', 'user']);
  expect(await js.ask('variable', { name: 'user', path: ['tags'] })).toMatchObject({
    type: 'Array',
    children: [
      { name: '0', value: "'x'" },
      { name: '1', value: "'y'" },
    ],
  });
  expect(await js.ask('variables', { filter: { namePattern: '^b' } })).toMatchObject({ count: 1 });
  await expect(js.ask('variables', { filter: { namePattern: '(' } })).rejects.toThrow('no regular expression');
  await expect(js.ask('format', { code: 'a' })).rejects.toThrow('No formatter is installed');
  expect(await js.shown('effects')).toBe('0');
  await js.ask('reset', {});
  expect(await js.shown('typeof user')).toBe("'undefined'");
});

test('whole, unfinished and wrong code are told apart', () => {
  expect(['1', 'const a: number = 1', 'await f()', 'import a from "b"\na'].map(completeness)).toEqual(
    Array.from({ length: 4 }, () => 'complete'),
  );
  expect(['if (x) {', 'f(1,', 'const a = `x', 'await f('].map(completeness)).toEqual(
    Array.from({ length: 4 }, () => 'incomplete'),
  );
  expect(['x ]', 'let = = 2'].map(completeness)).toEqual(['invalid', 'invalid']);
});

test('what is JavaScript already stays to the letter; an import keeps its lines', async () => {
  const plain = 'const text = "import x from y"\n// import("./a")\nawait 1';
  expect(await prepare(plain)).toBe(plain);
  expect(await prepare('import {\n  a,\n  b as c,\n} from "m"\na')).toBe(
    'const { a, b: c, } = await __markco_import("m");\n\n\n\na',
  );
});

test('what is printed is kept when its process ends at the next statement, also right after it has shown something', async ({
  js,
}) => {
  // Node has words of its own when it aborts.
  const ends = { 'process._kill(process.pid, 9)': [], 'console.log("more"); process.abort()': ['more\n'] };
  for (const [end, more] of Object.entries(ends)) {
    const { events } = await js.run(`display(1); console.log("last words"); ${end}; await new Promise(() => {})`);
    for (const words of ['last words\n', ...more]) expect(textOf(events)).toContain(words);
  }
});
