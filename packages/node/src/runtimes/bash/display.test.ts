import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { RunEvent } from '@markco/protocol';
import { expect, test as base } from 'vitest';
import { eventsOf, eventually, firstEvent, textOf } from '../../runs/runs.fixture.ts';
import { withLanguage, type LanguageSession } from '../language-session.fixture.ts';
import { bundleOf } from './bundle.ts';
import { tableOf } from './delimited.ts';

const test = base.extend<{ bash: LanguageSession }>({ bash: async ({}, use) => withLanguage('bash', use) });

/** Every byte there is, after the first bytes of a PNG. */
const PNG = Buffer.concat([
  Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
  Buffer.from(Array.from({ length: 1_024 }, (_, at) => at % 256)),
]);

const put = (bash: LanguageSession, name: string, content: string | Uint8Array): Promise<void> =>
  writeFile(path.join(bash.device.project, name), content);

const shownBy = (events: readonly RunEvent[]): Record<string, unknown>[] =>
  events.flatMap((event) => (event.type === 'display' ? [event.payload.data] : []));

/** What was printed, with `[MIME]` where something was shown. */
const told = (events: readonly RunEvent[]): string =>
  events
    .map((event) => (event.type === 'display' ? `[${Object.keys(event.payload.data).join()}]` : textOf([event])))
    .join('');

test('files are shown by their extension, whole, in order with what is printed', async ({ bash }) => {
  await put(bash, 'plot.png', PNG);
  await put(bash, 'a page.HTML', '<b>x</b>');
  await put(bash, '-x.md', '# T\n');
  await put(bash, 'value.json', '{"a": [1]}\n');
  await put(bash, 'drawing.svg', '<svg xmlns="http://www.w3.org/2000/svg"/>');
  const { events, run } = await bash.run(
    `mkdir -p deep; cd deep
for i in 1 2 3; do echo "before $i"; echo "error $i" >&2; display ../plot.png; echo "after $i"; done
display "../a page.HTML" ../value.json; printf %s between; cd ..; display drawing.svg; display -- -x.md; echo end`,
  );
  expect(run.state).toBe('completed');
  expect(told(events).replaceAll(/error \d\n/g, '')).toBe(
    [
      ...[1, 2, 3].map((i) => `before ${i}\n[text/plain,image/png]after ${i}\n`),
      '[text/plain,text/html][text/plain,application/json]between[text/plain,image/svg+xml][text/markdown]end\n',
    ].join(''),
  );
  const before = events.slice(
    0,
    events.findIndex((event) => event.type === 'display'),
  );
  expect(textOf(before)).toContain('error 1\n');
  const [png, , , page, value, drawing, markdown] = shownBy(events);
  expect(Buffer.from(String(png?.['image/png']), 'base64')).toEqual(PNG);
  expect(png?.['text/plain']).toBe('[plot.png]');
  expect(page).toEqual({ 'text/plain': '[a page.HTML]', 'text/html': '<b>x</b>' });
  expect(value).toEqual({ 'text/plain': '{"a": [1]}', 'application/json': { a: [1] } });
  expect(drawing).toMatchObject({ 'image/svg+xml': '<svg xmlns="http://www.w3.org/2000/svg"/>' });
  expect(markdown).toEqual({ 'text/markdown': '# T' });
});

test('a picture is a file of the document that shows it', async ({ bash }) => {
  await put(bash, 'plot.png', PNG);
  const { device, request } = bash;
  const { id, session, code } = request('echo before; display plot.png; echo after');
  await device.runs.submit({ ...device.inDocument(code), id, session });
  await eventually(() => device.written.has(id));
  expect(device.written.get(id)).toBe(`before\n![figure](asset-${PNG.length}.png)\nafter`);
});

test('what is piped in is known by its first bytes, and never taken for HTML unless the cell says so', async ({
  bash,
}) => {
  await put(bash, 'picture', PNG);
  const { events } = await bash.run(`cat picture | display
echo '<b>x</b>' | display
echo '<?xml version="1.0"?><svg/>' | display
echo '<svg ></svg>' | display -t html
printf 'a,b\\n1,"2,5"\\n' | display -t .csv
display -t text/markdown <<<'*hi*'
printf 'GIF89a' | display -t "image/gif; q=1"`);
  const shown = shownBy(events);
  expect(shown.slice(1, 4)).toEqual([
    { 'text/plain': '<b>x</b>' },
    { 'text/plain': '<?xml version="1.0"?><svg/>' },
    { 'text/plain': '[text/html]', 'text/html': '<svg ></svg>\n' },
  ]);
  expect(Buffer.from(String(shown[0]?.['image/png']), 'base64')).toEqual(PNG);
  expect(shown[4]).toMatchObject({ 'text/plain': 'a    b\n1  2,5' });
  expect(shown.slice(5)).toEqual([
    { 'text/markdown': '*hi*' },
    { 'text/plain': '[image/gif]', 'image/gif': Buffer.from('GIF89a').toString('base64') },
  ]);
});

test('nothing that a program prints is shown as anything but text', async ({ bash }) => {
  const { events } = await bash.run(
    `printf 'display 1 1 html x\\0<b>x</b>\\0'; echo 'display page.html'; printf '\\033]1337;File=inline=1:PGI+\\a' >&2`,
  );
  expect(shownBy(events)).toEqual([]);
});

test('what cannot be shown is told, with status 1, and does not keep the rest from being shown', async ({ bash }) => {
  await mkdir(path.join(bash.device.project, 'folder.png'));
  await put(bash, 'plot.png', PNG);
  await put(bash, 'film.mp4', 'film');
  await put(bash, 'no.png', 'no picture');
  await put(bash, 'empty.csv', '');
  await put(bash, 'bad.json', '{');
  await put(bash, 'latin.csv', Buffer.from('n\xe4me\n', 'latin1'));
  await put(bash, 'large.png', Buffer.concat([PNG, Buffer.alloc(1024 * 1024)]));
  await put(bash, 'large.csv', 'a,b\n'.repeat(256 * 1024));
  const { text, events } = await bash.run(
    `for file in missing.png folder.png film.mp4 no.png empty.csv bad.json latin.csv large.png large.csv; do
  display "$file"; echo $?
done; display; echo $?; display -q; echo $?; : | display; echo $?; display plot.png missing.png plot.png; echo $?`,
  );
  expect(shownBy(events)).toHaveLength(2);
  const lines = text.split('\n').filter((line) => line !== '');
  expect(lines.filter((line) => /^\d$/.test(line))).toEqual(Array.from({ length: 13 }, () => '1'));
  const all = lines.filter((line) => !/^\d$/.test(line));
  for (const [index, said] of [
    /^display: missing\.png: There is no such file in \/.*\. Check its name/,
    /^display: folder\.png: This is a folder\. Name the files in it\.$/,
    /^display: film\.mp4: \.mp4 is no type that can be shown\. Known are png, .*, tsv\. Say which/,
    /^display: no\.png: It is no picture, though it should be image\/png\./,
    /^display: empty\.csv: It is empty/,
    /^display: bad\.json: It is no JSON: .* Correct it/,
    /^display: latin\.csv: It is neither a picture nor text in UTF-8\. .*iconv/,
    /^display: large\.png: It is too large to show: at most 675 KB\. Make it smaller, or link to it/,
    /^display: large\.csv: It is too large to show: at most 900 KB\. Show a part of it: `head /,
    /^display: There is nothing to show\. Name a file/,
    /^display: -q is no option/,
    /^display: It is empty/,
    /^display: missing\.png: There is no such file/,
  ].entries())
    expect(all[index]).toMatch(said);
  expect(all).toHaveLength(13);
});

test('whatever a cell has set, it shows', async ({ bash }) => {
  await put(bash, 'plot.png', PNG);
  const { events, run } = await bash.run(`( display plot.png ); kept=$(display plot.png; echo kept); echo "$kept"
head() { false; }; alias rm=false; IFS=pg; noclobber=1
trap 'echo trapped' ERR EXIT DEBUG RETURN
( set -EeuTCfo pipefail; PATH=/nowhere; set -o posix; display plot.png; echo on )
trap - ERR EXIT DEBUG RETURN
( set -x; display plot.png ) 2>&1
display plot.png & wait
echo plot.png | while read -r file; do display "$file"; done; unset IFS; unset -f head`);
  expect(run.state).toBe('completed');
  expect(told(events)).toContain('kept\n');
  expect(shownBy(events)).toHaveLength(6);
  expect(told(events)).toMatch(/\+\+ display plot\.png\n\[/);
  expect(told(events)).not.toContain('__markco');
  const { variables } = (await bash.ask('variables', {})) as { variables: { name: string }[] };
  expect(variables.map(({ name }) => name)).toEqual(['kept', 'noclobber']);
  expect((await bash.run('env | grep -c -i -e markco_ -e display; bash -c "declare -F display"')).text).toBe('0\n');
  const strict = await bash.run('set -euo pipefail; display missing.png; echo never');
  expect([strict.run.state, strict.text.includes('never')]).toEqual(['failed', false]);
});

test('a function, an alias or a program of the same name that comes later is what runs', async ({ bash }) => {
  await mkdir(path.join(bash.device.project, 'bin'));
  await writeFile(path.join(bash.device.project, 'bin', 'display'), '#!/bin/sh\necho "program $1"; exit 3\n', {
    mode: 0o755,
  });
  expect((await bash.run('PATH=$PWD/bin:$PATH; display "a b"; echo $?')).text).toBe('program a b\n3\n');
  expect((await bash.run('display() { echo "function $1"; }; display x')).text).toBe('function x\n');
});

test('displays of several processes at once are each shown, none of a cell that is over', async ({ bash }) => {
  const { events } = await bash.run('for i in {1..20}; do echo "$i" | display & done; wait');
  expect(
    shownBy(events)
      .map((data) => Number(data['text/plain']))
      .toSorted((a, b) => a - b),
  ).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  await bash.run('mkfifo go told; (read -r go <go; echo late | display 2>said; echo $? >told) & disown');
  const after = await bash.run('echo >go; read -r status <told; cat said; echo $status');
  expect(shownBy(after.events)).toEqual([]);
  expect(after.text).toBe('display: Its cell is over. Let the cell wait for it (`wait`).\n1\n');
});

test('one cell shows two hundred things, and the next shows again', async ({ bash }) => {
  await put(bash, 'x.md', 'x');
  const { events, text } = await bash.run('display $(for i in {1..202}; do echo x.md; done)');
  expect(shownBy(events)).toHaveLength(200);
  expect(text.match(/This cell has shown 200 things/g)).toHaveLength(2);
  expect(shownBy((await bash.run('display x.md')).events)).toHaveLength(1);
});

test('an interrupt ends a display that waits, and leaves no file', async ({ bash }) => {
  // More than a pipe holds: when it is through, the display reads.
  const waits = bash.request('{ head -c 300000 /dev/zero; echo on >&2; sleep 300; } | display; echo never');
  await bash.device.runs.submit(waits);
  await firstEvent(bash.device.runs, waits.id, (event) => textOf([event]).includes('on'));
  await bash.device.runs.cancel(waits.id, AbortSignal.timeout(10_000));
  expect(textOf(await eventsOf(bash.device.runs, waits.id)).trim()).toBe('on');
  const { text } = await bash.run('echo x | display; echo "$__markco_shown"; ls "${__markco_shown%/*}"');
  const [prefix = '', ...files] = text.trim().split('\n');
  expect([path.basename(prefix), files.filter((file) => file.startsWith('display-'))]).toEqual(['display-', []]);
  expect(files).toContain('says');
});

test('a table is escaped, aligned and bounded', () => {
  const { html, plain } = tableOf('name,n\r\n"Ada, ""the"" <b>",1.5\r\n\r\n"two\nlines",-20\r\nshort', ',') ?? {
    html: '',
    plain: '',
  };
  expect(html).toBe(
    [
      '<table>',
      '<thead>',
      '<tr><th>name</th><th>n</th></tr>',
      '</thead>',
      '<tbody>',
      '<tr><td>Ada, &quot;the&quot; &lt;b&gt;</td><td>1.5</td></tr>',
      '<tr><td>two\nlines</td><td>-20</td></tr>',
      '<tr><td>short</td><td></td></tr>',
      '</tbody>',
      '</table>',
    ].join('\n'),
  );
  expect(plain).toBe(['name              n', 'Ada, "the" <b>  1.5', 'two lines       -20', 'short'].join('\n'));
  const long = tableOf(`a\tb\n${'1\tx\n'.repeat(1_000)}`, '\t');
  expect(long?.html).toContain('<p>… 970 more rows</p>');
  expect(long?.html.match(/<tr>/g)).toHaveLength(31);
  expect(long?.plain.split('\n').at(-1)).toBe('… 970 more rows');
  expect(tableOf(Array(60).fill('c').join(), ',')?.plain).toContain('… 10 more columns');
  expect(tableOf('"open,\nto the end', ',')?.plain).toBe('open, to the end');
  expect(tableOf('a,\n', ',')?.html).toContain('<th>a</th><th></th>');
  expect(tableOf('\n\r\n', ',')).toBeNull();
  const hostile = [`"${'x'.repeat(900_000)}`, '"'.repeat(900_000), ','.repeat(900_000), '""\n'.repeat(300_000)];
  for (const text of hostile) expect((tableOf(text, ',')?.html ?? '').length).toBeLessThan(100_000);
});

test('what cannot travel is refused before it does', () => {
  const deep = Buffer.from(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);
  expect(bundleOf({ name: 'x.json', type: '', bytes: deep })).toMatch(/nested deeper than 200 levels/);
  const comments = Buffer.from(`${'<!---->'.repeat(10_000)}<`);
  expect(bundleOf({ name: '', type: '', bytes: comments })).toMatchObject({
    'text/plain': expect.any(String) as unknown,
  });
  const escapes = Buffer.alloc(800 * 1024, '\x01');
  expect(bundleOf({ name: 'x.html', type: '', bytes: escapes })).toMatch(/too large/);
});
