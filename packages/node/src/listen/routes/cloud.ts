/** The cloud of this device over HTTP. */
import type { SomeHandlers } from '@markco/replica/listen/handlers';
import type { CloudLink } from '../../cloud/cloud.ts';

export const cloudRoutes = (cloud: CloudLink): SomeHandlers<'cloud' | 'joinCloud' | 'leaveCloud'> => ({
  cloud: () => cloud.state(),
  joinCloud: ({ body }) => cloud.join(body),
  async leaveCloud() {
    await cloud.leave();
    return undefined;
  },
});
