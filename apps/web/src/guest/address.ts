/**
 * The addresses of a guest: `/join/TOKEN`, which is traded at once, and `/shared/ID/…` below which the page is from then
 * on. Pure: a path in, what it asks for out.
 */
export type GuestAddress =
  | { readonly kind: 'join'; readonly token: string }
  | { readonly kind: 'shared'; readonly id: string };

export function guestAddress(pathname: string): GuestAddress | undefined {
  const token = /^\/join\/([\w-]{1,200})\/?$/.exec(pathname)?.[1];
  if (token !== undefined) return { kind: 'join', token };
  const id = /^\/shared\/([0-9a-f-]{36})(?:\/|$)/.exec(pathname)?.[1];
  if (id !== undefined) return { kind: 'shared', id };
  // What is left of a link whose secret was cut off, or taken out of the address already.
  return /^\/join(\/|$)/.test(pathname) ? { kind: 'join', token: 'missing' } : undefined;
}

export const guestBase = (id: string): string => `/shared/${id}`;
