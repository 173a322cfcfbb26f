/** Who is signed in here, as the page asks for it. */
import { Failure, type DeviceId } from '@markco/protocol';
import { SESSION_COOKIE } from '@markco/replica/listen/guard';
import type { SomeHandlers } from '@markco/replica/listen/handlers';

export type AccountRoutesParts = {
  readonly self: DeviceId;
  readonly name: string;
  readonly version: string;
  readonly token: string;
  readonly now: () => number;
};

const COOKIE_SECONDS = 30 * 24 * 3_600;

export function accountRoutes({
  self,
  name,
  version,
  token,
  now,
}: AccountRoutesParts): SomeHandlers<'signIn' | 'device'> {
  const startedAt = new Date(now()).toISOString();
  return {
    signIn: ({ request }) =>
      new Response(null, {
        status: 204,
        headers: {
          'set-cookie': `${SESSION_COOKIE}=${token}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${COOKIE_SECONDS}${isSecure(request) ? '; Secure' : ''}`,
        },
      }),
    device({ subject }) {
      if (subject === null) throw new Failure('unauthorized', 'Sign in first.');
      const { userId } = subject;
      return {
        device: {
          ...{ id: self, userId, kind: 'server-agent', name, appVersion: version, status: 'online' },
          ...{ lastSeenAt: new Date(now()).toISOString(), createdAt: startedAt },
        },
        user: { id: userId, email: 'user@localhost', plan: 'free', createdAt: startedAt },
        ...{ version, runtimes: [], home: '' },
      };
    },
  };
}

/** A server in front that speaks TLS says so. */
const isSecure = (request: Request): boolean => request.headers.get('x-forwarded-proto') === 'https';
