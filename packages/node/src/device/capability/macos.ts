/** macOS: its own programs say everything but memory. */
import { parsePmset } from './battery.ts';
import { parseSystemProfiler } from './gpu.ts';
import { macosKind, parseRouteGet } from './network.ts';
import { textOf } from './program.ts';
import type { System, SystemParts } from './system.ts';

export function createMacos({ ask }: Pick<SystemParts, 'ask'>): System {
  return {
    memory: async () => null,
    battery: async () => parsePmset((await textOf(ask, 'pmset', ['-g', 'batt'])) ?? ''),
    async network() {
      const route = await ask('route', ['-n', 'get', 'default']);
      if (route === null) return null;
      const name = route.code === 0 ? parseRouteGet(route.text) : null;
      // It fails just so when there is no such route.
      if (name === null) return 'offline';
      return macosKind(name, (await textOf(ask, 'networksetup', ['-listallhardwareports'])) ?? '');
    },
    gpus: async () =>
      parseSystemProfiler((await textOf(ask, 'system_profiler', ['SPDisplaysDataType', '-json'])) ?? ''),
  };
}
