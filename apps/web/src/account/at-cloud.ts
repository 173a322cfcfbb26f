/** Whether the page came from a cloud: what answers there has no folder of its own. Remembered for when nobody may ask. */
import { effect } from '@preact/signals';
import type { Workspace } from '../workspace/workspace.ts';

const KEY = 'at-cloud';

export function isAtCloud({ host }: Pick<Workspace, 'host'>): boolean {
  const known = host.value;
  return known === undefined ? localStorage.getItem(KEY) === '1' : known.home === '';
}

export function rememberCloud({ host }: Pick<Workspace, 'host'>): void {
  effect(() => {
    if (host.value?.home === '') localStorage.setItem(KEY, '1');
  });
}
