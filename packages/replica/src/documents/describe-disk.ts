/** What to tell people when the disk of this device refuses. */
import type { StorageTrouble } from './log.ts';

export function describeDisk(cause: unknown): StorageTrouble {
  const text = messages(cause);
  if (/ENOSPC|No space left|disk full|quota/i.test(text)) {
    return {
      code: 'disk_full',
      message:
        'The disk of this device is full, so edits are not being saved here. Free some space; they are written by themselves then.',
    };
  }
  return {
    code: 'storage_failed',
    message:
      "This device's disk does not take writes, so edits are not being saved here. It tries again by itself; check the disk.",
  };
}

function messages(error: unknown): string {
  let text = '';
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    text += `${at.message} ${'code' in at ? String(at.code) : ''} `;
  }
  return text;
}
