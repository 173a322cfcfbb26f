import { Failure } from '@markco/protocol';
import { expect, test } from 'vitest';
import { doorAddress } from './door-address.ts';

test('the server of a page as libp2p writes addresses', () => {
  expect(doorAddress('https://cloud.example.com')).toBe('/dns/cloud.example.com/tcp/443/tls/ws');
  expect(doorAddress('https://cloud.example.com:8443')).toBe('/dns/cloud.example.com/tcp/8443/tls/ws');
  expect(doorAddress('http://localhost:3000')).toBe('/dns/localhost/tcp/3000/ws');
  expect(doorAddress('http://192.0.2.2')).toBe('/ip4/192.0.2.2/tcp/80/ws');
  expect(doorAddress('http://[2001:db8::1]:3000')).toBe('/ip6/2001:db8::1/tcp/3000/ws');
  expect(() => doorAddress('about:blank')).toThrow(Failure);
});
