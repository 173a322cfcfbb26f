/** Linux: files of the kernel, and programs only for what they do not have. */
import { parsePowerSupplies } from './battery.ts';
import { NVIDIA_SMI, parseNvidiaSmi, parseRocmSmi, ROCM_SMI } from './gpu.ts';
import { keep } from './kept.ts';
import { groupFolders, parseGroup, parseMeminfo, withinGroups } from './memory.ts';
import { carrierOf, linuxKind, parseDefaultRoutes, parseMetered } from './network.ts';
import { textOf } from './program.ts';
import type { System, SystemParts } from './system.ts';

const SUPPLIES_MAX = 32;
const INTERFACES_MAX = 16;
const METERED_MS = 30_000;

export function createLinux({ ask, files, now }: SystemParts): System {
  const text = async (path: string): Promise<string> => (await files.text(path)) ?? '';
  let metered: { readonly name: string; readonly ask: () => Promise<boolean | null> } | undefined;

  function isMetered(name: string): Promise<boolean | null> {
    if (metered?.name !== name) {
      const args = ['-t', '-f', 'GENERAL.METERED', 'dev', 'show', name];
      const look = async () => parseMetered((await textOf(ask, 'nmcli', args)) ?? '');
      metered = { name, ask: keep(look, { now, freshMs: METERED_MS, staleMs: 4 * METERED_MS }) };
    }
    return metered.ask();
  }

  return {
    async memory() {
      const machine = parseMeminfo(await text('/proc/meminfo'));
      if (machine === null) return null;
      const groups = groupFolders(await text('/proc/self/cgroup')).map(async ({ folder, version }) => {
        const names =
          version === 2 ? ['memory.max', 'memory.current'] : ['memory.limit_in_bytes', 'memory.usage_in_bytes'];
        const [limit = null, used = null, stat = null] = await Promise.all(
          [...names, 'memory.stat'].map((name) => files.text(`${folder}/${name}`)),
        );
        return parseGroup(limit, used, stat);
      });
      return withinGroups(
        machine,
        (await Promise.all(groups)).filter((group) => group !== null),
      );
    },

    async battery() {
      const root = '/sys/class/power_supply';
      const names = (await files.names(root)).slice(0, SUPPLIES_MAX);
      const supplies = names.map(async (name) => {
        const [type, uevent] = await Promise.all([text(`${root}/${name}/type`), text(`${root}/${name}/uevent`)]);
        return { type, uevent };
      });
      return parsePowerSupplies(await Promise.all(supplies));
    },

    async network() {
      const [v4, v6] = await Promise.all([files.text('/proc/net/route'), files.text('/proc/net/ipv6_route')]);
      if (v4 === null && v6 === null) return null;
      const interfaces = parseDefaultRoutes(v4 ?? '', v6 ?? '')
        .slice(0, INTERFACES_MAX)
        .map(async (name) => {
          const folder = `/sys/class/net/${name}`;
          const [entries, uevent, operstate] = await Promise.all([
            files.names(folder),
            text(`${folder}/uevent`),
            text(`${folder}/operstate`),
          ]);
          return { name, entries, uevent, operstate };
        });
      const carrier = carrierOf(await Promise.all(interfaces));
      return carrier === null ? 'offline' : linuxKind(carrier, await isMetered(carrier.name));
    },

    async gpus() {
      const [nvidia, amd] = await Promise.all([
        textOf(ask, 'nvidia-smi', NVIDIA_SMI),
        textOf(ask, 'rocm-smi', ROCM_SMI),
      ]);
      return [...parseNvidiaSmi(nvidia ?? ''), ...parseRocmSmi(amd ?? '')];
    },
  };
}
