/** A client on the running device, closed when the work is done or has failed. Loaded here only: listing needs none of it. */
import type { Client } from '@markco/client/client';
import type { Socket } from '@markco/client/socket';
import type { Cli } from './cli.ts';
import type { RunningDevice } from './device.ts';

export async function withClient<T>(cli: Cli, device: RunningDevice, work: (client: Client) => Promise<T>): Promise<T> {
  const { openClient } = await import('@markco/client/open');
  const { origin, token } = device;
  const client = openClient({
    origin,
    token,
    webSocket: (url) => new WebSocket(url) as Socket,
    fetch: cli.fetch,
    now: () => cli.now(),
    randomBytes: (length) => cli.randomBytes(length),
  });
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}
