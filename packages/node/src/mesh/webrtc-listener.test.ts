import { expect, test } from 'vitest';
import { bound, UNPROVEN_MAX } from './webrtc-listener.ts';

test('of connections that nobody has proven to be behind, few are made at once; what failed makes room', async () => {
  const made: { readonly host: string; fail(): void }[] = [];
  const connections = new Map<string, unknown>();
  const listener = {
    connections,
    incomingConnection(name: string, host: string, port: number) {
      connections.set(`${host}:${port}:${name}`, null);
      return new Promise<void>((_, reject) => {
        made.push({
          host,
          fail: () => (connections.delete(`${host}:${port}:${name}`), reject(new Error('no answer'))),
        });
      });
    },
  };
  bound(listener);
  const come = (from: number) => listener.incomingConnection('name', `192.0.2.${from}`, 1_024);
  const first = come(0);
  for (let from = 1; from < UNPROVEN_MAX; from++) come(from).catch(() => undefined);
  await come(99);
  expect(made).toHaveLength(UNPROVEN_MAX);
  made[0]?.fail();
  await expect(first).rejects.toThrow('no answer');
  void come(99).catch(() => undefined);
  expect(made.at(-1)?.host).toBe('192.0.2.99');
  // Each packet that is sent again asks again.
  await come(99);
  expect(made).toHaveLength(UNPROVEN_MAX + 1);
});
