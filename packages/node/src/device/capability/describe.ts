/** A machine in one line for people: `8 cores · 16 GB · RTX 4090 24 GB · on battery 60 % · Wi-Fi`. */
import type { Hardware } from './hardware.ts';
import type { Battery, Gpu, Network } from './system.ts';

const NETWORKS: Readonly<Record<Network, string>> = {
  offline: 'offline',
  metered: 'metered network',
  wifi: 'Wi-Fi',
  ethernet: 'Ethernet',
};

export function describeHardware({ cpuCores, memory, battery, network, gpus }: Hardware): string {
  return [
    cpuCores === 1 ? '1 core' : `${cpuCores} cores`,
    sizeOf(memory.totalMb),
    ...gpus.map(describeGpu),
    ...(battery === null ? [] : [describeBattery(battery)]),
    NETWORKS[network],
  ].join(' · ');
}

function sizeOf(mb: number): string {
  return mb < 1024 ? `${mb} MB` : `${Math.round(mb / 1024)} GB`;
}

/** Without the names that all cards of a maker have in common. */
function describeGpu({ vendor, model, vramMb }: Gpu): string {
  const name = model?.replace(/^NVIDIA /, '').replace(/^GeForce /, '') ?? `${vendor ?? 'unknown'} GPU`;
  return vramMb === undefined ? name : `${name} ${sizeOf(vramMb)}`;
}

function describeBattery({ percent, charging }: Battery): string {
  const left = percent === undefined ? '' : ` ${percent} %`;
  return charging === false ? `on battery${left}` : `battery${left}${charging === true ? ' on power' : ''}`;
}
