/** Where the server of a page passes WebSockets on to a device, as libp2p writes addresses. */
import { Failure } from '@markco/protocol';

/** `https://cloud.example.com` → `/dns/cloud.example.com/tcp/443/tls/ws`. */
export function doorAddress(origin: string): string {
  const url = URL.parse(origin);
  if (url === null || !/^https?:$/.test(url.protocol)) throw new Failure('bad_request', `${origin} is no web address.`);
  const isSecure = url.protocol === 'https:';
  const { hostname } = url;
  const host = hostname.startsWith('[')
    ? `/ip6/${hostname.slice(1, -1)}`
    : /^(\d+\.){3}\d+$/.test(hostname)
      ? `/ip4/${hostname}`
      : `/dns/${hostname}`;
  const port = url.port === '' ? (isSecure ? '443' : '80') : url.port;
  return `${host}/tcp/${port}${isSecure ? '/tls' : ''}/ws`;
}
