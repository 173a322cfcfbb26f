/** The cloud of this device over HTTP. */
import { Failure } from '@markco/protocol';
import type { SomeHandlers } from '@markco/replica/listen/handlers';
import type { CloudLink } from '../../cloud/cloud.ts';

export const cloudRoutes = (cloud: CloudLink): SomeHandlers<'cloud' | 'joinCloud' | 'leaveCloud' | 'peerDoor'> => ({
  cloud: () => cloud.state(),
  peerDoor() {
    throw new Failure('not_found', 'This is the page of a device itself: it needs no way to one.');
  },
  joinCloud: ({ body }) => cloud.join(body),
  async leaveCloud() {
    await cloud.leave();
    return undefined;
  },
});
