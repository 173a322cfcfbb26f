/** Devices of one person in different networks: added, kept equal, and found again through the one that all reach. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { pair, SOON, type LabDevice } from './device.fixture.ts';
import { whyNoLab } from './lab.ts';
import { say, test, whyNotAll } from './mesh.fixture.ts';

const why = await whyNoLab();

const since = (began: number): string => `${Math.round(performance.now() - began)} ms`;

test('three devices behind routers and a relay: added by link, one folder, ping, and the relay gone and back', async ({
  device,
  skip,
}) => {
  const whyNot = why ?? whyNotAll();
  if (whyNot !== null) return skip(whyNot);
  const relay = await device('relay', 'public');
  const others = [
    await device('laptop', 'symmetric'),
    await device('desktop', 'symmetric'),
    await device('phone', 'no-udp'),
  ];
  const [laptop, desktop, phone] = others as [LabDevice, LabDevice, LabDevice];
  await relay.up('--relay');
  for (const each of others) await each.up();
  let began = performance.now();
  await pair(relay, laptop);
  say(`paired with the relay in ${since(began)}`);
  await expect
    .poll(async () => (await laptop.markco('netcheck')).out, SOON)
    .toContain('others reach this device through it');
  began = performance.now();
  await pair(laptop, desktop);
  say(`paired through the relay in ${since(began)}`);
  await pair(desktop, phone);

  began = performance.now();
  for (const [from, to] of [
    [laptop, desktop],
    [desktop, phone],
    [phone, laptop],
  ] as const)
    await expect.poll(() => from.wayTo(to.name), { ...SOON, message: `${from.name} to ${to.name}` }).toBe('relayed');
  say(`all three relayed to each other after ${since(began)}`);

  await writeFile(join(laptop.folder, 'one.md'), '# One\n');
  expect(await laptop.markco('open', laptop.folder, '--no-browser')).toMatchObject({ code: 0 });
  for (const each of [desktop, phone]) {
    const attach = () => each.markco('open', '--attach', 'folder', each.folder, '--no-browser');
    await expect.poll(async () => (await attach()).code, SOON).toBe(0);
    await expect.poll(() => readFile(join(each.folder, 'one.md'), 'utf8').catch(() => ''), SOON).toBe('# One\n');
  }
  began = performance.now();
  await writeFile(join(phone.folder, 'one.md'), '# One\n\nFrom the phone.\n');
  await expect.poll(() => readFile(join(laptop.folder, 'one.md'), 'utf8'), SOON).toContain('From the phone.');
  say(`an edit arrived through the relay in ${since(began)}`);

  expect(await laptop.markco('ping', 'desktop', '-c', '1')).toMatchObject({
    ...{ code: 1, out: expect.stringContaining('relayed by relay') },
  });
  expect(await laptop.markco('ping', 'relay', '-c', '1')).toMatchObject({
    code: 0,
    out: expect.stringContaining('direct'),
  });
  await phone.stop();
  expect(await laptop.markco('ping', 'phone', '-c', '1')).toMatchObject({ code: 2 });

  await relay.powerOff();
  await expect.poll(() => laptop.wayTo('desktop'), SOON).toBe(null);
  await relay.up('--relay');
  began = performance.now();
  await expect.poll(() => laptop.wayTo('desktop'), SOON).toBe('relayed');
  say(`connected again ${since(began)} after the relay was up again`);
});

test('a port that a router forwards is found by who is called from there, told to the others, and what they use', async ({
  device,
  skip,
}) => {
  if (why !== null) return skip(why);
  const relay = await device('relay', 'public');
  const [desk, laptop] = [await device('desk', 'symmetric'), await device('laptop', 'symmetric')];
  await relay.up('--relay');
  for (const each of [desk, laptop]) {
    await each.up();
    await pair(relay, each);
  }
  const netcheck = async (on: LabDevice): Promise<string> => (await on.markco('netcheck')).out;
  const atOf = ({ machine }: LabDevice): string => `/ip4/${machine.publicAddress}/tcp/7718`;
  await expect.poll(() => netcheck(desk), SOON).toContain(`relay does not reach this device at ${atOf(desk)}`);
  await expect.poll(() => laptop.wayTo('desk'), SOON).toBe('relayed');
  await desk.machine.forward([7718]);
  // It is asked again when the device calls again.
  await desk.stop();
  await desk.up();
  const began = performance.now();
  await expect.poll(() => netcheck(desk), SOON).toContain(`relay reaches this device at ${atOf(desk)}`);
  await expect.poll(() => laptop.wayTo('desk'), SOON).toBe('direct');
  say(`direct by the forwarded port ${since(began)} after it was started`);
  // Nobody has told the other router to.
  await expect.poll(() => netcheck(laptop), SOON).toContain(`relay does not reach this device at ${atOf(laptop)}`);
});

test('a device whose router lets nothing but UDP out is added, and direct, by the relay that listens for it', async ({
  device,
  skip,
}) => {
  const whyNot = why ?? whyNotAll();
  if (whyNot !== null) return skip(whyNot);
  const [relay, laptop] = [await device('relay', 'public'), await device('laptop', 'no-tcp')];
  await relay.up('--relay');
  await laptop.up();
  await pair(relay, laptop);
  await expect.poll(() => laptop.wayTo('relay'), SOON).toBe('direct');
  const { out } = await laptop.markco('trace', 'relay');
  say(out.trim());
  expect(out).toMatch(/WebRTC +answered.*in use/);
});
