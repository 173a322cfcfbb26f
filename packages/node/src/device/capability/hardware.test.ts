/** Each system asked as a whole, by what its files and programs say; then the machine that the test runs on. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { env, kill, platform } from 'node:process';
import { promisify } from 'node:util';
import { NodeCapabilitySchema } from '@markco/protocol';
import { expect, test } from 'vitest';
import { describeHardware } from './describe.ts';
import { createHardware, type Hardware } from './hardware.ts';
import { createLinux } from './linux.ts';
import { createMacos } from './macos.ts';
import type { Ask } from './program.ts';
import type { SystemFiles } from './system-files.ts';
import { createWindows } from './windows.ts';

/** Programs by their words; `asked` is what was started. */
function programs(says: Readonly<Record<string, string | number>>): { ask: Ask; asked: string[] } {
  const asked: string[] = [];
  const ask: Ask = async (program, args) => {
    const line = [program, ...args].join(' ');
    asked.push(program);
    const found = Object.entries(says).find(([words]) => words.split('…').every((word) => line.includes(word)));
    if (found === undefined) return null;
    const [, said] = found;
    return typeof said === 'number' ? { code: said, text: '' } : { code: 0, text: said };
  };
  return { ask, asked };
}

const filesOf = (texts: Readonly<Record<string, string>>): SystemFiles => ({
  text: async (path) => texts[path] ?? null,
  names: async (folder) => [
    ...new Set(
      Object.keys(texts)
        .filter((path) => path.startsWith(`${folder}/`))
        .map((path) => path.slice(folder.length + 1).split('/')[0] ?? ''),
    ),
  ],
});

const LAPTOP = {
  '/proc/meminfo': 'MemTotal: 16777216 kB\nMemFree: 1 kB\nMemAvailable: 8388608 kB\n',
  '/proc/self/cgroup': '0::/box\n',
  '/proc/net/route': 'Iface\n' + 'wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n',
  '/sys/class/net/wlan0/wireless/status': '',
  '/sys/class/net/wlan0/device/vendor': '',
  '/sys/class/net/wlan0/uevent': 'DEVTYPE=wlan\n',
  '/sys/class/net/wlan0/operstate': 'up\n',
  '/sys/class/power_supply/BAT0/type': 'Battery\n',
  '/sys/class/power_supply/BAT0/uevent': 'POWER_SUPPLY_STATUS=Discharging\nPOWER_SUPPLY_CAPACITY=60\n',
};

test('Linux: a laptop with a card of each maker', async () => {
  const { ask } = programs({
    'nmcli…wlan0': 'GENERAL.METERED:no (guessed)\n',
    'nvidia-smi': 'NVIDIA GeForce RTX 4090, 24564, 550.54.14\n',
    'rocm-smi': '{"card0": {"VRAM Total Memory (B)": "536870912", "Card Series": "Raphael"}}',
  });
  const system = createLinux({ ask, files: filesOf(LAPTOP), now: () => 0 });
  expect(await system.memory()).toEqual({ totalMb: 16_384, freeMb: 8_192 });
  expect(await system.battery()).toEqual({ percent: 60, charging: false });
  expect(await system.network()).toBe('wifi');
  expect((await system.gpus()).map(({ vendor }) => vendor)).toEqual(['NVIDIA', 'AMD']);
});

test('Linux: in a container the limit of its group counts, of either version', async () => {
  const group = (folder: string, names: readonly string[]) => ({
    ...LAPTOP,
    [`${folder}/${names[0]}`]: '2147483648\n',
    [`${folder}/${names[1]}`]: '1073741824\n',
    [`${folder}/memory.stat`]: 'inactive_file 536870912\n',
  });
  const limited = { totalMb: 2_048, freeMb: 1_536 };
  const two = group('/sys/fs/cgroup/box', ['memory.max', 'memory.current']);
  const of = (texts: Record<string, string>) =>
    createLinux({ ask: programs({}).ask, files: filesOf(texts), now: () => 0 }).memory();
  expect(await of(two)).toEqual(limited);
  // The path in the file is the one outside; inside, the group is the root.
  const one = group('/sys/fs/cgroup/memory', ['memory.limit_in_bytes', 'memory.usage_in_bytes']);
  expect(await of({ ...one, '/proc/self/cgroup': '4:memory:/docker/abc\n' })).toEqual(limited);
});

test('Linux: NetworkManager is asked once for a while, and anew for another interface', async () => {
  const clock = { now: 0 };
  const texts: Record<string, string> = { ...LAPTOP };
  const { ask, asked } = programs({ 'nmcli…wlan0': 'GENERAL.METERED:yes\n', 'nmcli…eth0': 'GENERAL.METERED:no\n' });
  const system = createLinux({ ask, files: filesOf(texts), now: () => clock.now });
  expect([await system.network(), await system.network(), asked]).toEqual(['metered', 'metered', ['nmcli']]);
  texts['/proc/net/route'] += 'eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n';
  texts['/sys/class/net/eth0/device/vendor'] = '';
  expect([await system.network(), asked.length]).toEqual(['ethernet', 2]);
  clock.now = 30_001;
  expect([await system.network(), asked.length]).toEqual(['ethernet', 3]);
  texts['/proc/net/route'] = 'Iface\n';
  expect([await system.network(), asked.length]).toEqual(['offline', 3]);
});

test('Linux: one that says nothing at all', async () => {
  const system = createLinux({ ask: programs({}).ask, files: filesOf({}), now: () => 0 });
  expect([await system.memory(), await system.battery(), await system.network(), await system.gpus()]).toEqual([
    null,
    null,
    null,
    [],
  ]);
});

test('macOS: a laptop, one that is offline, and one whose programs fail', async () => {
  const laptop = createMacos(
    programs({
      'pmset -g batt': "Now drawing from 'AC Power'\n -InternalBattery-0 (id=1)\t80%; charging; present: true\n",
      'route -n get default': '  interface: en0\n',
      'networksetup -listallhardwareports': 'Hardware Port: Wi-Fi\nDevice: en0\n',
      'system_profiler SPDisplaysDataType -json': '{"SPDisplaysDataType":[{"sppci_model":"Apple M3 Pro"}]}',
    }),
  );
  expect(await laptop.battery()).toEqual({ percent: 80, charging: true });
  expect(await laptop.network()).toBe('wifi');
  expect(await laptop.gpus()).toEqual([{ vendor: 'Apple', model: 'Apple M3 Pro', cuda: false }]);
  expect(await createMacos(programs({ route: 1 })).network()).toBe('offline');
  const mute = createMacos(programs({}));
  expect([await mute.battery(), await mute.network(), await mute.gpus()]).toEqual([null, null, []]);
});

test('Windows: its own list of cards is asked for only where nvidia-smi says nothing', async () => {
  const own = {
    'powershell…Win32_Battery': '[{"EstimatedChargeRemaining":62,"BatteryStatus":1}]',
    'powershell…Get-NetConnectionProfile':
      '{"cost":"Unrestricted","adapters":[{"medium":9,"index":7}],"profiles":[{"v6":"NoTraffic","index":7,"v4":"Internet"}]}',
    'powershell…Win32_VideoController':
      '[{"Name":"Intel(R) Arc(TM)","AdapterCompatibility":"Intel","AdapterRAM":null}]',
  };
  const { ask, asked } = programs({ ...own, 'nvidia-smi': 'NVIDIA T500, 2048, 550.1\n' });
  const system = createWindows({ ask });
  expect([await system.battery(), await system.network()]).toEqual([{ percent: 62, charging: false }, 'wifi']);
  const before = asked.length;
  expect(await system.gpus()).toMatchObject([{ model: 'NVIDIA T500', cuda: true }]);
  expect(asked.slice(before)).toEqual(['nvidia-smi']);
  expect(await createWindows(programs({ ...own, 'nvidia-smi': 9 })).gpus()).toMatchObject([{ vendor: 'Intel' }]);
});

const parts = { env, platform, kill, now: () => performance.now() };

test('the machine that this runs on is as its kernel says', async (context) => {
  if (platform !== 'linux') return context.skip('it is compared with /proc');
  const found = await createHardware(parts)();
  const meminfo = await readFile('/proc/meminfo', 'utf8');
  const totalMb = Math.round(Number(/^MemTotal:\s+(\d+)/m.exec(meminfo)?.[1]) / 1024);
  const { stdout } = await promisify(execFile)('nproc', [], { env: { PATH: env['PATH'] } });
  expect(found.cpuCores).toBe(availableParallelism());
  expect(found.cpuCores).toBeLessThanOrEqual(Number(stdout));
  expect(found.memory.totalMb).toBeGreaterThan(0);
  expect(found.memory.totalMb).toBeLessThanOrEqual(totalMb);
  expect(found.memory.freeMb).toBeGreaterThan(0);
  expect(found.memory.freeMb).toBeLessThanOrEqual(found.memory.totalMb);
  const routes = await readFile('/proc/net/route', 'utf8');
  if (/^\S+\t00000000\t\S+\t0003\t.*\t00000000\t/m.test(routes)) expect(found.network).not.toBe('offline');
  const { resources, policy: _, ...rest } = NodeCapabilitySchema.shape;
  expect(rest.gpu.safeParse(found.gpus[0]).success).toBe(true);
  expect(resources.shape.network.safeParse(found.network).success).toBe(true);
  expect(describeHardware(found)).toMatch(/^\d+ cores? · \d+ [GM]B · /);
});

test('who asks again starts no program until an answer is old: a card after ten minutes, a cable after half of one', async () => {
  const clock = { now: 0 };
  const { ask, asked } = programs({ route: '  interface: en0\n' });
  const hardware = createHardware({ ...parts, platform: 'darwin', now: () => clock.now }, ask);
  const since = async (now: number) => {
    asked.length = 0;
    clock.now = now;
    await Promise.all([hardware(), hardware(), hardware()]);
    return asked.toSorted();
  };
  const supply = ['networksetup', 'pmset', 'route'];
  expect(await since(0)).toEqual([...supply, 'system_profiler']);
  expect(await since(30_000)).toEqual([]);
  expect(await since(130_001)).toEqual(supply);
  expect(await since(600_001)).toEqual([...supply, 'system_profiler']);
});

test('a system nobody wrote a reader for says what Node knows', async () => {
  const found = await createHardware({ ...parts, platform: 'plan9' })();
  expect(found).toMatchObject({ battery: null, gpus: [] });
  expect(found.memory.totalMb).toBe(Math.round(totalmem() / 1024 / 1024));
});

test.for([
  [
    { gpus: [{ vendor: 'NVIDIA', model: 'NVIDIA GeForce RTX 4090', vramMb: 24_564, cuda: true }] },
    '8 cores · 16 GB · RTX 4090 24 GB · on battery 60 % · Wi-Fi',
  ],
  [{ battery: null, network: 'ethernet' }, '8 cores · 16 GB · Ethernet'],
  [{ battery: { percent: 80, charging: true } }, '8 cores · 16 GB · battery 80 % on power · Wi-Fi'],
  [{ battery: { percent: 80 }, network: 'offline' }, '8 cores · 16 GB · battery 80 % · offline'],
  [{ battery: { charging: false }, network: 'metered' }, '8 cores · 16 GB · on battery · metered network'],
  [{ cpuCores: 1, memory: { totalMb: 512, freeMb: 1 }, battery: null }, '1 core · 512 MB · Wi-Fi'],
  [
    {
      gpus: [
        { vendor: 'AMD', cuda: false },
        { model: 'T500', vramMb: 2_048 },
      ],
      battery: null,
    },
    '8 cores · 16 GB · AMD GPU · T500 2 GB · Wi-Fi',
  ],
] as const)('in one line for people: %#', ([changes, line]) => {
  const machine: Hardware = {
    cpuCores: 8,
    memory: { totalMb: 15_921, freeMb: 9_000 },
    battery: { percent: 60, charging: false },
    network: 'wifi',
    gpus: [],
  };
  expect(describeHardware({ ...machine, ...changes })).toBe(line);
});
