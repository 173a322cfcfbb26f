/** The device itself over HTTP: who it is, how it does, what it can run. */
import { Failure } from '@markco/protocol';
import type { RuntimeHere } from '../../device/capability/runtimes.ts';
import type { Identity } from '../../device/identity.ts';
import type { PolicySetting } from '../../device/policy.ts';
import type { Metrics } from '../../observe/metrics.ts';
import { SESSION_COOKIE } from '@markco/replica/listen/guard';
import type { SomeHandlers } from '@markco/replica/listen/handlers';

export type DeviceRoutesParts = {
  readonly identity: Identity;
  readonly version: string;
  readonly home: string;
  readonly metrics: Metrics;
  readonly stats: () => Record<string, unknown>;
  readonly runtimes: () => Promise<readonly RuntimeHere[]>;
  readonly policy: PolicySetting;
};

const COOKIE_SECONDS = 30 * 24 * 3_600;

export function deviceRoutes({
  identity,
  version,
  home,
  metrics,
  stats,
  runtimes,
  policy,
}: DeviceRoutesParts): SomeHandlers<
  'health' | 'stats' | 'metrics' | 'signIn' | 'device' | 'devicePolicy' | 'setDevicePolicy' | 'heartbeat'
> {
  return {
    health: () => ({ status: 'ok' }),
    stats: () => stats(),
    async metrics() {
      return new Response(await metrics.text(), { headers: { 'content-type': metrics.contentType } });
    },
    signIn: () =>
      new Response(null, {
        status: 204,
        headers: {
          'set-cookie': `${SESSION_COOKIE}=${identity.token}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${COOKIE_SECONDS}`,
        },
      }),
    async device() {
      return { device: identity.device, user: identity.user, version, runtimes: [...(await runtimes())], home };
    },
    devicePolicy: () => policy.read(),
    setDevicePolicy: ({ body }) => policy.write(body),
    heartbeat({ body }) {
      if (body.deviceId !== identity.device.id) throw new Failure('not_found', 'There is no such device here.');
      return undefined;
    },
  };
}
