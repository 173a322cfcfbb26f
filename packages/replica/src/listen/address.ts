/** The address that a request comes from: that of the connection, or what a server in front of this one says. */
const NEAR = /^(127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|::1$|f[cd])/;

/**
 * @param forwarded of `X-Forwarded-For`; counts only from a machine nearby, and then its last entry, which that machine
 * added itself
 */
export function addressOf(remote: string | undefined, forwarded: string | readonly string[] | undefined): string {
  const near = (remote ?? '').replace(/^::ffff:/, '');
  if (forwarded === undefined || !NEAR.test(near)) return near;
  const entries = (typeof forwarded === 'string' ? forwarded : forwarded.join()).split(',');
  return entries.at(-1)?.trim().slice(0, 45) || near;
}
