/** A cloud of two processes as `deploy/` sets it up: behind a real Caddy, on a real Postgres and a real NATS. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cloud, Document } from '@markco/protocol';
import { NO_NATS, startNats } from '@markco/rendezvous/processes/nats.fixture';
import { NO_POSTGRES, startPostgres } from '@markco/rendezvous/store/postgres.fixture';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import { caddyName, NO_CADDY, startCaddy } from './caddy.fixture.ts';
import { startCloud, type CloudProgram } from './cloud.fixture.ts';
import { eventually, startDevice } from './device.fixture.ts';

const SOON_MS = 30_000;

const missing = NO_CADDY ?? NO_POSTGRES ?? NO_NATS;

test('a device and a stock client are with a cloud by its name, over TLS, and go on when the process that has them is killed', async ({
  skip,
}) => {
  skip(missing !== undefined, missing);
  await using postgres = await startPostgres();
  await using nats = await startNats();
  const name = await caddyName();
  const env = { DATABASE_URL: await postgres.database(), NATS_URL: nats.url };
  await using one = await startCloud(env, undefined, ['--name', name]);
  await using two = await startCloud(env, one.token, ['--name', name]);
  const at = ({ origin }: CloudProgram): string => new URL(origin).host;
  await using caddy = await startCaddy(name, { markco: at(one), 'markco-2': at(two) });
  await using laptop = await startDevice({
    files: { 'page.md': '# Page\n' },
    env: { NODE_EXTRA_CA_CERTS: caddy.authorityFile },
  });
  const cloud = (): Promise<Cloud> => laptop.get<Cloud>('/api/cloud');
  await laptop.get<Cloud>('/api/cloud', { body: { url: caddy.origin, token: one.token } });
  const documents = async (): Promise<number> =>
    (await caddy.get<{ documents?: Document[] }>(`/api/documents/${laptop.userId}`, one.token)).json.documents
      ?.length ?? 0;
  await eventually(async () => (await documents()) === 1, 'the page in the cloud', SOON_MS);

  class Trusting extends WebSocket {
    constructor(url: string) {
      super(url, { ca: caddy.authority });
    }
  }
  const stock = new WebsocketProvider(
    `${caddy.origin.replace('https', 'wss')}/sync/${laptop.userId}/${laptop.project.slug}`,
    'page',
    new Y.Doc(),
    {
      params: { token: one.token },
      disableBc: true,
      WebSocketPolyfill: Trusting as unknown as typeof globalThis.WebSocket,
    },
  );
  try {
    await eventually(() => stock.synced, 'the stock client to be there', SOON_MS);
    const write = async (text: string): Promise<void> => {
      stock.doc.getText('content').insert(0, text);
      const file = (): Promise<string> => readFile(join(laptop.folder, 'page.md'), 'utf8');
      await eventually(async () => (await file()).startsWith(text), `“${text}” in the file`, SOON_MS);
    };
    await write('first ');
    const devicesAt = async (each: CloudProgram): Promise<number> =>
      (await each.get<{ devices: number }>('/stats')).json.devices;
    // Beside each there is a device of its own.
    const [busy, other] = (await devicesAt(one)) > (await devicesAt(two)) ? [one, two] : [two, one];
    await busy.kill();
    await eventually(async () => (await cloud()).state === 'connected', 'the laptop to be with the other', SOON_MS);
    await write('second ');
    expect(stock.doc.getText('content').toString()).toBe('second first # Page\n');
    await eventually(async () => (await documents()) === 1, 'it to answer by its name', SOON_MS);
    expect((await other.get<{ storage: string }>('/stats')).json.storage).toBe('ok');
  } finally {
    stock.destroy();
  }
}, 180_000);
