/** Which mode is on between a device and its cloud, in words, where it is not the usual one. */
import type { Cloud, SyncMode } from '@markco/protocol';
import { USUAL_SYNC_MODE } from '@markco/protocol/sync-mode';

/** Of a device; nothing for the usual one. */
export function modeWords(cloud: Cloud): readonly string[] {
  if (cloud.state === 'none' || cloud.mode === undefined || cloud.mode === USUAL_SYNC_MODE) return [];
  return cloud.mode === 'mirror'
    ? ['a copy only: nothing that is written there comes here (SYNC_MODE=mirror)']
    : ['left alone: your documents stay on your devices (SYNC_MODE=legacy)'];
}

/** Of a cloud, for whoever starts it. */
export function cloudModeWords(mode: Exclude<SyncMode, typeof USUAL_SYNC_MODE>): string {
  return mode === 'mirror'
    ? 'It is a copy only: devices bring their documents and take nothing from here (SYNC_MODE=mirror).'
    : 'It takes no documents now: they stay on their devices (SYNC_MODE=legacy).';
}
