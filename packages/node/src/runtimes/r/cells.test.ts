import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { env, kill } from 'node:process';
import { expect, test as base } from 'vitest';
import { eventsOf, eventually, firstEvent, textOf } from '../../runs/runs.fixture.ts';
import { withLanguage, type LanguageSession, type Told } from '../language-session.fixture.ts';
import { findProcess } from '../process-table.ts';
import { NO_WISHES } from '../runtime.ts';
import { nameAt, statementBefore } from './questions.ts';
import { rRuntime } from './r.ts';

const test = base.extend<{ r: LanguageSession }>({
  r: async ({ task }, use) => {
    const place = { env, projectFolder: tmpdir(), config: NO_WISHES };
    const found = await rRuntime.detect(place, AbortSignal.timeout(10_000));
    if (!found.available) return task.context.skip(found.hint);
    await withLanguage('r', use);
  },
});

const errorOf = ({ events }: Told) => {
  const last = events.at(-1);
  if (last?.type !== 'error') throw new Error('it did not fail');
  return last.payload;
};

test('the last visible value is the result, those before it are printed', async ({ r }) => {
  expect(await r.shown('1 + 1')).toBe('[1] 2');
  expect(await r.shown('x <- 5')).toBeNull();
  expect(await r.shown('invisible(5)')).toBeNull();
  expect(await r.shown('NULL')).toBe('NULL');
  expect(await r.shown('.Last.value')).toBe('NULL');
  const { text, events } = await r.run('x <- 1:3\nx\nx * 2; "é\\U1F600"');
  expect(text).toBe('[1] 1 2 3\n[1] 2 4 6\n');
  expect(events.at(-1)).toMatchObject({ payload: { data: { 'text/plain': '[1] "é😀"' } } });
  expect(await r.shown('setClass("P", representation(n = "numeric")); new("P", n = 1)')).toContain('Slot "n"');
});

test('text comes before its expression is done', async ({ r }) => {
  const slow = r.request('{ cat("a"); while (!file.exists("go")) Sys.sleep(0.02); cat("b") }');
  await r.device.runs.submit(slow);
  await firstEvent(r.device.runs, slow.id, (event) => textOf([event]) === 'a');
  await writeFile(path.join(r.device.project, 'go'), '');
  expect(textOf(await eventsOf(r.device.runs, slow.id))).toBe('ab');
});

test('a data frame is text and a table in which nothing is markup', async ({ r }) => {
  const { events } = await r.run('data.frame(`a<b` = c("<i>", NA), n = c(1.5, 2), check.names = FALSE)');
  const last = events.at(-1);
  const data = last?.type === 'result' ? last.payload.data : null;
  expect(data?.['text/plain']).toContain('1  <i> 1.5');
  expect(data?.['text/html']).toContain('<th>a&lt;b</th><th>n</th>');
  expect(data?.['text/html']).toContain('<tr><th>1</th><td>&lt;i&gt;</td><td>1.5</td></tr>');
  const long = (await r.run('data.frame(n = 1:100)')).events.at(-1);
  expect(JSON.stringify(long?.payload)).toContain('… 70 more rows');
});

test('messages and warnings are told as at the console, in order with what is printed', async ({ r }) => {
  const order = ({ events }: Told) =>
    events
      .flatMap((event) =>
        event.type === 'stdout' || event.type === 'stderr' ? [`${event.type} ${event.payload.text}`] : [],
      )
      .join('')
      .replaceAll(/(?<!\n)stdout /g, '');
  const told = await r.run('for (i in 1:2) { print(i); message("m", i) }');
  expect(order(told)).toBe('[1] 1\nstderr m1\nstdout [1] 2\nstderr m2\n');
  expect((await r.run('f <- function() warning("careful")\nf()\ncat("after\\n")')).text).toBe(
    'Warning message:\nIn f() : careful\nafter\n',
  );
  expect((await r.run('for (i in 1:60) warning("w", i)')).text).toContain('There were 50 or more warnings');
  expect((await r.run('warnings()[1:2]')).events.at(-1)).toMatchObject({ type: 'result' });
  expect((await r.run('suppressWarnings(f()); tryCatch(f(), warning = function(w) cat("mine\\n"))')).text).toBe(
    'mine\n',
  );
});

test('an error says where in the cell, and nothing of what runs it', async ({ r }) => {
  const wrong = errorOf(
    await r.run('inner <- function(x) {\n  stop("no")\n}\nouter <- function() inner(1)\n\nouter()'),
  );
  expect(wrong).toEqual({
    type: 'Error',
    message: 'no',
    traceback: ['Error in inner(1) (from cell-1:2) : no', '  2: inner(1) at cell-1:4', '  1: outer() at cell-1:6'],
  });
  const parsed = errorOf(await r.run('ok <- 1\nlet = = 2'));
  expect(parsed.type).toBe('ParseError');
  expect(parsed.message).toMatch(/^cell-2:2:7: .*\n.*\n2: let = =\n {9}\^$/);
  expect(
    await r.shown('stop(structure(class = c("mine", "error", "condition"), list(message = "m", call = NULL)))'),
  ).toBe('mine: m');
  expect(errorOf(await r.run('library(no.such.package)'))).toMatchObject({
    type: 'packageNotFoundError',
    message: expect.stringContaining('there is no package called') as string,
  });
  const endless = errorOf(await r.run('f <- function() f()\nf()'));
  expect(endless.traceback.length).toBeLessThan(100);
  expect(errorOf(await r.run('1\n\nno_such_name')).traceback).toEqual([
    expect.stringMatching(/^Error.* \(from cell-6:3\) : object 'no_such_name' not found$/),
  ]);
  expect(await r.shown('log("a")')).toContain('Error: non-numeric argument');
  expect((await r.run('g <- function() stop("x")\ng()')).text).toBe('');
  expect((await r.run('traceback()')).text).toMatch(/^1: g\(\) at cell-\d+#2\n$/);
  expect(await r.shown('print.mine <- function(x, ...) cat("mine!\\n"); structure(1, class = "mine")')).toBe('mine!');
  expect(await r.shown('try(stop("x"), silent = TRUE); 1')).toBe('[1] 1');
  expect(await r.shown('invokeRestart("abort")')).toContain('KeyboardInterrupt');
  expect(await r.shown('1')).toBe('[1] 1');
});

test('plots are pictures in order with the text, each page once, in its place when more is drawn on it', async ({
  r,
}) => {
  const { events } = await r.run(`cat("one\\n")
for (i in 1:2) { plot(i); cat("drawn", i, "\\n") }
abline(h = 1)
cat("two\\n")
par(mfrow = c(1, 2)); plot(3); plot(4)
library(grid); grid.newpage(); grid.rect(); dev.off(); dev.off()`);
  const told = events.map((event) =>
    event.type === 'display'
      ? `[${String(event.payload.metadata['displayId'])}${event.payload.metadata['update'] === true ? ' again' : ''}]`
      : textOf([event]),
  );
  expect(told.join('')).toBe(
    'one\ndrawn 1 \n[1-plot-1]drawn 2 \n[1-plot-2][1-plot-2 again]two\n[1-plot-3][1-plot-3 again][1-plot-4]',
  );
  const [first] = events.filter((event) => event.type === 'display');
  expect(first?.payload.metadata).toMatchObject({ 'image/png': { width: 672, height: 480 } });
  const png = Buffer.from(String(first?.payload.data['image/png']), 'base64');
  expect([png.toString('latin1', 1, 4), png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual(['PNG', 1344, 960]);
  const large = await r.run('plot(1:20000, cex = 0.1); abline(h = 0); title("all")');
  expect(large.events.map(({ type }) => type)).toEqual(['display', 'result']);
  const own = await r.run(
    'png("own.png"); plot(1); invisible(dev.off()); par(mar = c(1, 1, 1, 1)); file.exists("own.png")',
  );
  expect(own.events).toMatchObject([{ type: 'result' }]);
});

test('questions are asked and answered', async ({ r }) => {
  const answered = async (code: string, ...answers: string[]): Promise<string> => {
    const asking = r.request(code);
    await r.device.runs.submit(asking);
    let seen = -1;
    for (const answer of answers) {
      const asked = await firstEvent(
        r.device.runs,
        asking.id,
        ({ type, seq }) => type === 'stdin-request' && seq > seen,
      );
      seen = asked.seq;
      await r.device.runs.input(asking.id, answer, AbortSignal.timeout(5_000));
    }
    return textOf(await eventsOf(r.device.runs, asking.id));
  };
  expect(await answered('cat(rev(readLines(n = 2)))', 'a', 'b')).toBe('b a');
  expect(await answered('cat(rev(readLines("stdin")))', 'a', 'b', '')).toBe('b a');
  expect(await answered('cat(sum(scan(quiet = TRUE)))', '1 2', '3', '')).toBe('6');
  expect(await answered('cat(menu(c("yes", "no")))', '7', '2')).toMatch(/1: yes\n2: no\n[^]*\n2$/);
  expect(await answered('f <- function(n) { browser(); n }\nf(2)', 'n <- 3', 'c')).toContain('Browse[1]> ');
  expect(await answered('invisible(system("read x; echo \\"<$x>\\""))', 'shell')).toContain('<shell>');
  expect((await r.run('cat(scan(text = "1 2", quiet = TRUE), readLines(textConnection("t")))')).text).toBe('1 2 t');
});

test('an interrupt ends what a program or a question waits for', async ({ r }) => {
  await r.run('kept <- 1');
  for (const code of ['cat("x"); system("sleep 300"); cat("never")', 'cat("x"); readline("never?"); cat("never")']) {
    const waits = r.request(code);
    await r.device.runs.submit(waits);
    await firstEvent(r.device.runs, waits.id, (event) =>
      code.includes('readline') ? event.type === 'stdin-request' : textOf([event]) === 'x',
    );
    await Promise.all([1, 2].map(() => r.device.runs.cancel(waits.id, AbortSignal.timeout(10_000))));
    const events = await eventsOf(r.device.runs, waits.id);
    expect([textOf(events), events.at(-1)]).toMatchObject(['x', { payload: { type: 'KeyboardInterrupt' } }]);
  }
  const { text } = await r.run('cat(Sys.getpid())');
  kill(Number(text), 'SIGINT');
  expect(await r.shown('kept')).toBe('[1] 1');
});

test('`quit` ends the run with its code, then the session; a crash ends both', async ({ r }) => {
  await r.run('gone <- 1');
  const told = await r.run('cat("bye"); quit(status = 3)');
  expect([told.text, errorOf(told)]).toMatchObject(['bye', { type: 'ExitCode', message: 'exit code 3' }]);
  expect(await r.shown('exists("gone")')).toBe('[1] FALSE');
  expect(errorOf(await r.run('tools::pskill(Sys.getpid(), 11); Sys.sleep(300)')).type).toBe('SessionEnded');
  expect(await r.shown('1')).toBe('[1] 1');
});

test.for([
  ['waits', 'cat(Sys.getpid())'],
  ['works', 'cat(Sys.getpid()); repeat {}'],
] as const)('R that %s does not outlive its keeper', async ([, code], { r }) => {
  const request = r.request(code);
  await r.device.runs.submit(request);
  const { payload } = await firstEvent(r.device.runs, request.id, ({ type }) => type === 'stdout');
  const pid = Number((payload as { text: string }).text);
  expect(await findProcess(pid)).not.toBeNull();
  kill(Number(r.device.runs.sessions.list()[0]?.hostRuntimeId), 'SIGKILL');
  await eventually(async () => (await findProcess(pid)) === null);
});

test('code that meddles with connections, output or children leaves the session whole', async ({ r }) => {
  expect(await r.shown('closeAllConnections(); 2')).toBe('[1] 2');
  expect((await r.run('x <- system("exit 2", intern = TRUE)')).text).toContain('In system(');
  expect((await r.run('sink("sunk.txt"); print(1); sink(); print(2)')).text).toBe('[1] 2\n');
  expect((await r.run('sink("sunk.txt"); 3')).events).toMatchObject([{ type: 'result', payload: { data: null } }]);
  expect((await r.run('sink(); cat(readLines("sunk.txt"))')).text).toBe('[1] 3');
  expect(
    await r.shown('unlist(parallel::mclapply(1:2, function(i) { message("m"); warning("w"); i }, mc.cores = 2))'),
  ).toBe('[1] 1 2');
  expect(await r.shown('?mean')).toContain('Arithmetic Mean');
});

test('questions are answered by the live session, and change nothing', async ({ r }) => {
  await r.run(
    'user <- list(name = "Ada", tags = c("x", "y")); frame <- data.frame(n = 1:3); e <- new.env(); e$deep <- user',
  );
  await r.run('greet <- function(who, how = 1) who; makeActiveBinding("effect", function() looked <<- 1, globalenv())');
  const labels = async (code: string): Promise<string[]> => {
    const told = (await r.ask('complete', { code, cursor: code.length })) as { matches: { label: string }[] };
    return told.matches.map((match) => match.label);
  };
  expect(await labels('us')).toContain('user');
  expect(await labels('user$na')).toEqual(['name']);
  expect(await labels('user[["na')).toEqual(['name']);
  expect(await labels('nothing[["na')).toEqual([]);
  await writeFile(path.join(r.device.project, 'some data.csv'), '');
  expect(await labels('read.csv("some')).toEqual(['some data.csv']);
  expect(await labels('é <- "😀"; frame$')).toEqual(['n']);
  expect(await labels('greet(\n  ho')).toEqual(['how=']);
  expect(await labels('stats::rnor')).toEqual(['rnorm']);
  expect(await labels('library(grap')).toContain('graphics');
  expect(await r.ask('complete', { code: 'a <- user$na', cursor: 12 })).toMatchObject({
    cursorStart: 10,
    cursorEnd: 12,
  });
  expect(await r.ask('hover', { code: 'greet(1)', cursor: 2 })).toMatchObject({
    found: true,
    signature: 'greet(who, how = 1)',
  });
  expect(await r.ask('hover', { code: 'user$name', cursor: 7 })).toMatchObject({ found: true, value: '"Ada"' });
  const { docstring, signature } = (await r.ask('inspect', { code: 'sd(1)', cursor: 1 })) as Record<string, string>;
  expect([signature, docstring]).toEqual(['sd(x, na.rm = FALSE)', expect.stringContaining('standard deviation')]);
  for (const code of ['nothing', 'mean('])
    expect(await r.ask('hover', { code, cursor: code.length })).toEqual({ found: false });
  const { variables } = (await r.ask('variables', {})) as { variables: { name: string }[] };
  expect(variables.map((one) => one.name)).toEqual(['e', 'effect', 'frame', 'greet', 'user']);
  expect(variables.find((one) => one.name === 'frame')).toMatchObject({ type: 'data.frame', shape: [3, 1], length: 1 });
  expect(await r.ask('variable', { name: 'e', path: ['deep', 'tags'] })).toMatchObject({
    type: 'character',
    fullValue: '[1] "x" "y"',
  });
  expect(await r.ask('variable', { name: 'user' })).toMatchObject({
    children: [{ name: 'name', value: '"Ada"' }, { name: 'tags' }],
  });
  await expect(r.ask('variable', { name: 'user', path: ['nothing'] })).rejects.toThrow(
    'user has nothing called nothing',
  );
  expect(await r.ask('variables', { filter: { namePattern: '^f' } })).toMatchObject({ count: 1 });
  await expect(r.ask('variables', { filter: { namePattern: '(' } })).rejects.toThrow('no regular expression');
  const statuses = ['1', 'if (x) {', 'f(1,', '"open', 'x ]'].map((code) => r.ask('isComplete', { code }));
  expect(await Promise.all(statuses)).toMatchObject(
    ['complete', 'incomplete', 'incomplete', 'incomplete', 'invalid'].map((status) => ({ status })),
  );
  const busy = r.request('cat("x"); Sys.sleep(300)');
  await r.device.runs.submit(busy);
  await firstEvent(r.device.runs, busy.id, (event) => textOf([event]) === 'x');
  await expect(r.ask('variables', {})).rejects.toThrow('R is busy with a cell');
  await r.device.runs.cancel(busy.id, AbortSignal.timeout(10_000));
  expect(await r.shown('exists("looked")')).toBe('[1] FALSE');
  await r.ask('reset', {});
  await eventually(async () => (await r.shown('exists("user")')) === '[1] FALSE');
});

test('who wishes `Rscript` gets the R beside it', async ({ r }) => {
  const executable = (await r.run('cat(Sys.which("R"))')).text;
  const config = { ...NO_WISHES, path: path.join(path.dirname(executable), 'Rscript') };
  const found = await rRuntime.detect({ env, projectFolder: tmpdir(), config }, AbortSignal.timeout(10_000));
  expect(found).toMatchObject({ available: true, executable });
});

test('what is at the cursor is cut out by its look', () => {
  expect(statementBefore("a <- 1\n# it isn't\nplot(x,\n  # nor\n  ma", 38)).toBe('plot(x,   ma');
  expect([nameAt('x + frame$col', 11), nameAt('stats::sd(1)', 9), nameAt('(1)', 2)]).toEqual([
    'frame$col',
    'stats::sd',
    '',
  ]);
});
