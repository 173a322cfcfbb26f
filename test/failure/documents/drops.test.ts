/** Our own client against a real device, over a socket that breaks again and again. */
import { openClient, type Client, type Socket } from '@markco/client';
import type { DocumentId, RunEvent } from '@markco/protocol';
import { expect, test } from 'vitest';
import { chance, trials } from '../../../setup/trials.ts';
import { eventually, ids, newRunId, startDevice, type Device } from '../../conformance/device.fixture.ts';

type Line = { readonly client: Client; cut(): void; received(): number; sockets(): number };

/** A client whose connection can be cut from outside. */
function connect(device: Device): Line {
  const sockets: WebSocket[] = [];
  let received = 0;
  const client = openClient({
    origin: device.origin,
    token: device.token,
    fetch,
    ...ids,
    webSocket(url) {
      const socket = new WebSocket(url);
      socket.addEventListener('message', ({ data }: { data: unknown }) => {
        received += typeof data === 'string' ? data.length : ((data as ArrayBuffer).byteLength ?? 0);
      });
      sockets.push(socket);
      return socket as unknown as Socket;
    },
  });
  return {
    client,
    cut() {
      sockets.at(-1)?.close();
      client.reconnect();
    },
    received: () => received,
    sockets: () => sockets.length,
  };
}

test('a run is followed across dropped connections without a gap or a repeat, by any number of followers', async () => {
  const { numRuns, seed } = trials('dropped connections while a run is followed', 30);
  const next = chance(seed);
  await using device = await startDevice({ files: { 'page.md': '# Page\n' }, env: { LOG_LEVEL: 'warn' } });
  const line = connect(device);
  await eventually(() => line.client.connection.get().state === 'online', 'the client to be online');
  const code = `import time\nfor i in range(${numRuns * 20}):\n    print(i, flush=True)\n    time.sleep(0.002)`;
  const run = await line.client.submitRun(
    { id: newRunId(), projectId: device.project.id, language: 'python', code },
    AbortSignal.timeout(20_000),
  );
  const followers = [0, 0, 3].map((from) => {
    const events: RunEvent[] = [];
    const ends: string[] = [];
    line.client.followRun(run.id, from, {
      onEvent: (event) => void events.push(event),
      onEnd: ({ state }) => void ends.push(state),
    });
    return { from, events, ends };
  });
  let drops = 0;
  while (followers.some(({ ends }) => ends.length === 0)) {
    await new Promise((resolve) => setTimeout(resolve, 10 + next() * 60));
    if (drops >= numRuns) continue;
    line.cut();
    drops++;
  }
  for (const { from, events, ends } of followers) {
    expect(ends).toEqual(['completed']);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + from));
  }
  const printed = (followers[0]?.events ?? [])
    .map((event) => (event.type === 'stdout' ? event.payload.text : ''))
    .join('');
  expect(printed.trim().split('\n')).toEqual(Array.from({ length: numRuns * 20 }, (_, index) => String(index)));
  console.log(`  ${drops} drops, ${followers[0]?.events.length ?? 0} events`);
  expect(drops).toBeGreaterThan(5);
  await line.client.close();
});

test('following a run that does not exist says so', async () => {
  await using device = await startDevice({ files: { 'page.md': '# Page\n' }, env: { LOG_LEVEL: 'warn' } });
  const { client } = connect(device);
  await eventually(() => client.connection.get().state === 'online', 'the client to be online');
  const { promise, resolve } = Promise.withResolvers<string>();
  client.followRun(newRunId(), 0, { onEvent: () => {}, onEnd: () => {}, onError: ({ code }) => resolve(code) });
  expect(await promise).toBe('not_found');
  await client.close();
});

test('1,000 documents open in one go; back after a dropped connection they cost what changed', async () => {
  const count = 1_000;
  const files = Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`d${index}.md`, `# ${index}\n${'text '.repeat(2_000)}`]),
  );
  await using device = await startDevice({ files, env: { LOG_LEVEL: 'warn', PATH: '' } });
  const line = connect(device);
  const ref = (documentId: DocumentId) => ({ projectId: device.project.id, documentId });
  const opened = (await device.documents()).map(({ id }) => line.client.openDocument(ref(id)));
  expect(opened).toHaveLength(count);
  await Promise.all(opened.map(({ ready }) => ready));
  for (const { text } of opened) expect(text.length).toBeGreaterThan(10_000);
  const whole = line.received();
  // Changed by somebody else, and here, while the connection is away.
  const other = connect(device);
  await eventually(() => other.client.connection.get().state === 'online', 'the other client to be online');
  const [first, second] = opened;
  const elsewhere = other.client.openDocument(ref(first?.documentId as DocumentId));
  await elsewhere.ready;
  line.cut();
  await eventually(() => line.client.connection.get().state !== 'online', 'the connection to be gone', 2_000).catch(
    () => undefined,
  );
  elsewhere.text.insert(0, '⟦elsewhere⟧');
  second?.text.insert(0, '⟦here⟧');
  const before = line.received();
  await Promise.all(opened.map(({ saved }) => saved(AbortSignal.timeout(20_000))));
  await eventually(() => first?.text.toString().includes('⟦elsewhere⟧'), 'the change of the other client');
  for (const { status } of opened) expect(status.get()).toMatchObject({ synced: true, pendingEdits: 0 });
  console.log(`  first ${Math.round(whole / 1_024)} KiB, back ${Math.round((line.received() - before) / 1_024)} KiB`);
  expect(line.received() - before).toBeLessThan(whole / 20);
  await Promise.all([line.client.close(), other.client.close()]);
});
