/** The guard of a device: its one token is its owner's. */
import type { Person, UserId } from '@markco/protocol';
import { createGuard, type Guard } from '@markco/replica/listen/guard';
import { createHash, timingSafeEqual } from 'node:crypto';

export function createDeviceGuard({
  token,
  hosts,
  userId,
}: {
  readonly token: string;
  readonly hosts: () => readonly string[];
  readonly userId: () => UserId;
}): Guard {
  const expected = digest(token);
  return createGuard({
    hosts,
    origins: () => hosts().map((host) => `http://${host}`),
    self: 'This device',
    whose: (given) => (timingSafeEqual(digest(given), expected) ? ownerOf(userId()) : undefined),
    howToSignIn:
      'Send the token of this device: `Authorization: Bearer TOKEN`, or `?token=TOKEN` with a WebSocket. It is in the file api-token of its home.',
  });
}

export const ownerOf = (userId: UserId): Person => ({ role: 'owner', userId, operates: true, enrols: true });

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
