/**
 * Three devices of one person, each behind a router of its own, from a clone and `docs/machines.md` alone: what a person
 * types there is typed here. `MARKCO_LAB=all` makes a clone for it and installs it first; otherwise this one is used.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Project, Run } from '@markco/protocol';
import { expect } from 'vitest';
import { labDevice, SOON, type Ended, type Typed } from './device.fixture.ts';
import { whyNoLab } from './lab.ts';
import { readPage } from './machines-page.fixture.ts';
import { say, test, whyNotAll } from './mesh.fixture.ts';

const why = await whyNoLab();
const HERE = join(import.meta.dirname, '../..');
/** Lines of the run, and how many of them the one that asked for it sees before it is off. */
const LINES = 40;
const SEEN = 10;
/** The project, as others hear of it. */
const NOTES = { project: expect.objectContaining({ slug: 'folder' }) };
const PAGE = `# Notes\n\n\`\`\`bash\nfor n in $(seq ${LINES}); do echo "line $n of ${LINES}"; sleep 0.1; done\n\`\`\`\n`;

const ok = async (ended: Promise<Ended>): Promise<Ended> => {
  const its = await ended;
  expect(its, its.err).toMatchObject({ code: 0 });
  return its;
};
const linesOf = (out: string): readonly string[] => out.split('\n').filter((line) => /^line \d+ of/.test(line));

async function freshClone(): Promise<string> {
  const clone = join(await mkdtemp(join(tmpdir(), 'markco-clone-')), 'markco');
  const run = promisify(execFile);
  await run('git', ['-c', 'safe.directory=*', 'clone', '--quiet', '--no-hardlinks', HERE, clone]);
  // What the first command of a person does in a network that has the registry.
  await run('npm', ['run', 'markco', '--', '--version'], { cwd: clone });
  return clone;
}

test('three devices behind routers: paired by code, one folder, edits apart merged, a run followed past the end of who asked for it, one locked out', async ({
  lab,
  skip,
}) => {
  if (why !== null) return skip(why);
  await using stack = new AsyncDisposableStack();
  const page = await readPage();
  const cloning = performance.now();
  const clone = whyNotAll() === null ? await freshClone() : HERE;
  if (clone !== HERE) say(`cloned and installed in ${Math.round((performance.now() - cloning) / 1_000)} s`);
  if (clone !== HERE) stack.defer(() => rm(join(clone, '..'), { recursive: true, force: true }));
  const typed: Typed = { file: 'npm', up: ['start', '--'], markco: ['run', '--silent', 'markco', '--'], cwd: clone };
  const began = performance.now();
  const lap = (what: string): void => say(`${Math.round((performance.now() - began) / 100) / 10} s: ${what}`);

  // Each in a network of its own; that of the desk sends on what comes for it.
  const machines = { desk: await lab('cone'), laptop: await lab('cone'), tablet: await lab('symmetric') };
  await machines.desk.forward([7718, 7719]);
  const relay = page.start('MARKCO_PEER_ADDRESSES=/ip4/203.0.113.7/tcp/7718 npm start -- --relay');
  const outside = { MARKCO_PEER_ADDRESSES: `/ip4/${machines.desk.publicAddress}/tcp/7718` };
  expect(Object.keys(relay.settings)).toEqual(Object.keys(outside));
  const desk = stack.use(await labDevice(machines.desk, 'desk', outside, typed));
  const laptop = stack.use(await labDevice(machines.laptop, 'laptop', {}, typed));
  const tablet = stack.use(await labDevice(machines.tablet, 'tablet', {}, typed));
  await desk.up(...relay.words);
  await Promise.all([laptop, tablet].map((each) => each.up(...page.start('npm start').words)));
  lap('all three are up');

  // Added: one by the eight digits, the other by the link, on a device that the relay alone reaches.
  let shown = desk.begin(...page.markco('pair'), '--yes');
  const code = await shown.shows(/^\d{4} \d{4}$/m);
  const { out: checked } = await ok(desk.markco(...page.markco('netcheck')));
  const address = new RegExp(`/ip4/${machines.desk.publicAddress}/tcp/7718/p2p/\\w+`).exec(checked)?.[0];
  expect(address, checked).toBeDefined();
  await ok(laptop.markco(...page.markco('pair CODE --at ADDRESS', { CODE: code, ADDRESS: address ?? '' })));
  await ok(shown.ended);
  const reached = async () => (await laptop.get<{ relays: { reserved: boolean }[] }>('/api/netcheck')).relays;
  await expect.poll(reached, SOON).toMatchObject([{ reserved: true }]);
  shown = laptop.begin(...page.markco('pair'), '--yes');
  const link = await shown.shows(/markco:pair#\S+/);
  await ok(tablet.markco(...page.markco('pair LINK', { LINK: link })));
  await ok(shown.ended);
  await expect.poll(() => tablet.wayTo('desk'), SOON).toBe('direct');
  await expect.poll(() => tablet.wayTo('laptop'), SOON).toBe('relayed');
  const { out: listed } = await ok(tablet.markco(...page.markco('devices')));
  for (const name of ['desk', 'laptop', 'tablet']) expect(listed).toContain(name);
  expect(await laptop.markco(...page.markco('ping DEVICE', { DEVICE: 'tablet' }), '-c', '1')).toMatchObject({
    code: 1,
  });
  lap('paired');

  // One folder on all.
  const files = [desk, laptop, tablet].map(({ folder }) => join(folder, 'page.md'));
  const texts = () => Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
  const [onDesk = '', onLaptop = '', onTablet = ''] = files;
  await writeFile(onLaptop, PAGE);
  await ok(laptop.markco(...page.markco('open FOLDER', { FOLDER: laptop.folder }), '--no-browser'));
  for (const each of [desk, tablet]) {
    const hears = async () =>
      (await each.get<{ projects: { project: Project }[] }>('/api/projects-elsewhere')).projects;
    await expect.poll(hears, SOON).toContainEqual(expect.objectContaining(NOTES));
    const words = page.markco('open --attach NAME FOLDER', { NAME: 'folder', FOLDER: each.folder });
    await ok(each.markco(...words, '--no-browser'));
  }
  await expect.poll(texts, SOON).toEqual([PAGE, PAGE, PAGE]);
  lap('one folder on all');

  // Offline on two of them, written on both, and joined again.
  for (const each of [laptop, tablet]) await each.machine.setPlugged(false);
  await expect.poll(() => desk.wayTo('laptop'), SOON).toBe(null);
  await expect.poll(() => desk.wayTo('tablet'), SOON).toBe(null);
  await writeFile(onLaptop, PAGE.replace('# Notes\n', '# Notes\n\nOn a train.\n'));
  await writeFile(onTablet, `${PAGE}\nOn a mountain.\n`);
  for (const each of [laptop, tablet]) await each.machine.setPlugged(true);
  const merged = `${PAGE.replace('# Notes\n', '# Notes\n\nOn a train.\n')}\nOn a mountain.\n`;
  await expect.poll(texts, SOON).toEqual([merged, merged, merged]);
  lap('what was written apart is merged on all');

  // A cell of the laptop on the desk, followed on the tablet, with the laptop killed meanwhile.
  await expect.poll(() => laptop.wayTo('desk'), SOON).not.toBe(null);
  const asked = laptop.begin(...page.markco('run FILE --on desk', { FILE: onLaptop }));
  await expect.poll(() => linesOf(asked.out()).length, SOON).toBeGreaterThanOrEqual(SEEN);
  const { runs } = await tablet.get<{ runs: Run[] }>('/api/runs');
  expect(runs).toHaveLength(1);
  const id = runs[0]?.id ?? '';
  expect((await ok(tablet.markco(...page.markco('runs')))).out).toContain(id.slice(0, 4));
  const followed = tablet.begin(...page.markco('logs RUN -f', { RUN: id }));
  await followed.shows(new RegExp(`^line ${SEEN} of`, 'm'));
  await laptop.powerOff();
  await asked.ended;
  expect(linesOf(asked.out()).length).toBeLessThan(LINES);
  const wanted = Array.from({ length: LINES }, (_, at) => `line ${at + 1} of ${LINES}`);
  expect(linesOf((await ok(followed.ended)).out)).toEqual(wanted);
  const ended = await Promise.all([desk, tablet].map((each) => each.get<Run>(`/api/runs/${id}`)));
  expect(ended.map(({ state, ranOn }) => [state, ranOn])).toEqual([
    ['completed', 'desk'],
    ['completed', 'desk'],
  ]);
  await expect.poll(() => readFile(onTablet, 'utf8'), SOON).toContain(`line ${LINES} of ${LINES}\n\`\`\`\n`);
  lap(`${LINES} lines without a gap on the tablet, the laptop killed after ${linesOf(asked.out()).length}`);

  // Removed while it is off, and not let in when it is back.
  await ok(tablet.markco(...page.markco('devices remove laptop')));
  await expect
    .poll(async () => (await desk.devices()).map(({ name }) => name).toSorted(), SOON)
    .toEqual(['desk', 'tablet']);
  await laptop.up();
  const ping = (DEVICE: string) => laptop.markco(...page.markco('ping DEVICE', { DEVICE }), '-c', '1');
  const refused = { code: 2, out: expect.stringContaining('does not take this device for one of yours') };
  await expect.poll(() => ping('desk'), SOON).toMatchObject(refused);
  await writeFile(onLaptop, `${await readFile(onLaptop, 'utf8')}\nFrom the thief.\n`);
  await writeFile(onDesk, `${await readFile(onDesk, 'utf8')}\nNot for the thief.\n`);
  await expect.poll(() => readFile(onTablet, 'utf8'), SOON).toContain('Not for the thief.');
  // By way of the relay too, which alone reaches the tablet.
  expect(await ping('desk')).toMatchObject(refused);
  expect(await ping('tablet')).toMatchObject({ code: 2 });
  expect(await readFile(onLaptop, 'utf8')).not.toContain('Not for the thief.');
  for (const file of [onDesk, onTablet]) expect(await readFile(file, 'utf8')).not.toContain('From the thief.');
  lap('the laptop is removed and locked out');
});
