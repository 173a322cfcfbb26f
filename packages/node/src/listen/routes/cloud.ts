/** The cloud of this device over HTTP. */
import { Failure } from '@markco/protocol';
import type { SomeHandlers } from '@markco/replica/listen/handlers';
import type { CloudHere } from '../../cloud/open-cloud.ts';

export const cloudRoutes = (
  cloud: CloudHere,
): SomeHandlers<
  'cloud' | 'joinCloud' | 'leaveCloud' | 'askCloud' | 'cloudAsked' | 'giveUpCloud' | 'settleCloud' | 'peerDoor'
> => ({
  cloud: () => cloud.state(),
  peerDoor() {
    throw new Failure('not_found', 'This is the page of a device itself: it needs no way to one.');
  },
  joinCloud: ({ body }) => cloud.join(body),
  async leaveCloud() {
    await cloud.leave();
    return undefined;
  },
  settleCloud() {
    cloud.settle();
    return undefined;
  },
  askCloud: ({ body, signal }) => cloud.asking.ask(body.url, signal),
  cloudAsked: ({ signal }) => cloud.asking.state(signal),
  giveUpCloud() {
    cloud.asking.giveUp();
    return undefined;
  },
});
