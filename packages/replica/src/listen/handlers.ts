/** The form every route's handler has: parsed input in, a plain answer or a Response out. */
import type { ACCOUNT_ROUTES, GUEST_ROUTES, ROUTES, RouteName } from '@markco/protocol';
import type * as z from 'zod/mini';
import type { Subject } from './guard.ts';

type Table = typeof ROUTES;
export type Input<N extends RouteName> = {
  /** Who asks; null where anybody may, and where another device of the owner asks. */
  readonly subject: Subject | null;
  readonly params: Readonly<Record<string, string>>;
  readonly body: Table[N] extends { body: infer B extends z.ZodMiniType } ? z.output<B> : undefined;
  readonly query: Table[N] extends { query: infer Q extends z.ZodMiniType } ? z.output<Q> : undefined;
  readonly request: Request;
  /** The address that it comes from, as far as whoever is in front says so; empty between devices. */
  readonly from: string;
  readonly signal: AbortSignal;
};
export type Answer<N extends RouteName> = Table[N] extends { answer: infer A extends z.ZodMiniType }
  ? z.input<A>
  : undefined;
/** An answer with another status than the route's own, as `open-local` has. */
export type WithStatus<T> = { readonly status: 200 | 201; readonly answer: T };
export type Handler<N extends RouteName> = (
  input: Input<N>,
) => Promise<Answer<N> | WithStatus<Answer<N>> | Response> | Answer<N> | Response;
export type Handlers = { readonly [N in RouteName]: Handler<N> };
/** What a device has none of. */
export type CloudOnly = keyof typeof ACCOUNT_ROUTES | keyof typeof GUEST_ROUTES | 'operator';
export type SomeHandlers<N extends RouteName> = Pick<Handlers, N>;
