/** Windows: PowerShell 5, which every one has; it answers in JSON, so that nothing depends on the language it speaks. */
import { parseWin32Battery } from './battery.ts';
import { NVIDIA_SMI, parseNvidiaSmi, parseVideoControllers } from './gpu.ts';
import { parseWindowsNetwork } from './network.ts';
import { textOf } from './program.ts';
import type { System, SystemParts } from './system.ts';

const QUIETLY = `$ErrorActionPreference='SilentlyContinue';[Console]::OutputEncoding=New-Object Text.UTF8Encoding $false;`;

const all = (name: string, fields: string): string =>
  `ConvertTo-Json -Compress -InputObject @(Get-CimInstance ${name} | Select-Object ${fields})`;

/** What a connection costs is known only to the part of Windows that store apps use; the rest has numbers for it. */
const NETWORK = `
$profiles=@(Get-NetConnectionProfile | ForEach-Object {
  @{index=[int]$_.InterfaceIndex;v4=[string]$_.IPv4Connectivity;v6=[string]$_.IPv6Connectivity}});
$adapters=@(Get-NetAdapter | ForEach-Object {@{index=[int]$_.ifIndex;medium=[int]$_.NdisPhysicalMedium}});
$null=[Windows.Networking.Connectivity.NetworkInformation,Windows.Networking.Connectivity,ContentType=WindowsRuntime];
$now=[Windows.Networking.Connectivity.NetworkInformation]::GetInternetConnectionProfile();
$cost=[string]$(if($now){$now.GetConnectionCost().NetworkCostType});
ConvertTo-Json -Compress -Depth 4 -InputObject @{profiles=$profiles;adapters=$adapters;cost=$cost}`.replaceAll(
  '\n',
  ' ',
);

export function createWindows({ ask }: Pick<SystemParts, 'ask'>): System {
  const powershell = async (script: string): Promise<string> =>
    (await textOf(ask, 'powershell', ['-NoProfile', '-NonInteractive', '-Command', QUIETLY + script])) ?? '';
  return {
    memory: async () => null,
    battery: async () =>
      parseWin32Battery(await powershell(all('Win32_Battery', 'EstimatedChargeRemaining,BatteryStatus'))),
    network: async () => parseWindowsNetwork(await powershell(NETWORK)),
    async gpus() {
      const cards = parseNvidiaSmi((await textOf(ask, 'nvidia-smi', NVIDIA_SMI)) ?? '');
      if (cards.length > 0) return cards;
      return parseVideoControllers(
        await powershell(all('Win32_VideoController', 'Name,AdapterCompatibility,AdapterRAM')),
      );
    },
  };
}
