/** The page of whoever runs this cloud, as a route. */
import type { SomeHandlers } from '@markco/replica/listen/handlers';
import { OPERATOR_POLICY, operatorPage, type OperatorNow } from './page.ts';
import type { Recent } from './recent.ts';

export type OperatorParts = {
  readonly recent: Pick<Recent, 'sample' | 'samples'>;
  readonly now: () => OperatorNow;
};

export function operatorRoutes({ recent, now }: OperatorParts): SomeHandlers<'operator'> {
  return {
    operator() {
      const shown = now();
      recent.sample(shown.now);
      const headers = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': OPERATOR_POLICY };
      return new Response(operatorPage(recent.samples(), shown), {
        headers: { ...headers, 'cache-control': 'no-store' },
      });
    },
  };
}
