/** For tests: a NATS server of its own that can be stopped, frozen and killed, and a way to it that drops messages. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { freePort } from '@markco/replica/free-port.fixture';

const START_MS = 20_000;

/** Why there can be none here, or undefined. */
export const NO_NATS =
  spawnSync('nats-server', ['--version']).status === 0 ? undefined : 'NATS is not installed (Debian: nats-server)';

export type NatsServer = {
  readonly url: string;
  signal(signal: NodeJS.Signals): void;
  start(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
};

export async function startNats(): Promise<NatsServer & AsyncDisposable> {
  const port = await freePort();
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    const started = spawn('nats-server', ['-a', '127.0.0.1', '-p', String(port)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child = started;
    await new Promise<void>((resolve, reject) => {
      let log = '';
      const timer = setTimeout(() => reject(new Error(`NATS was not ready in time: ${log}`)), START_MS);
      started.once('exit', () => reject(new Error(`NATS ended before it was ready: ${log}`)));
      started.stderr.setEncoding('utf8').on('data', (text: string) => {
        log = (log + text).slice(-10_000);
        if (!log.includes('Server is ready')) return;
        clearTimeout(timer);
        resolve();
      });
    });
  }

  async function kill(): Promise<void> {
    const ending = child;
    child = undefined;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const gone = once(ending, 'exit');
    ending.kill('SIGKILL');
    await gone;
  }

  await start();
  return {
    url: `nats://127.0.0.1:${port}`,
    signal: (name) => void child?.kill(name),
    start,
    kill,
    [Symbol.asyncDispose]: kill,
  };
}

export type LossyWay = {
  readonly url: string;
  /** How many messages it has dropped. */
  dropped(): number;
};

/** A way to a NATS server on which each message that comes from it is lost when `isLost` says so. */
export async function startLossyWay(to: string, isLost: () => boolean): Promise<LossyWay & AsyncDisposable> {
  const sockets = new Set<Socket>();
  let dropped = 0;
  const server = createServer((near) => {
    const far = connect(Number(new URL(to).port), '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far);
    let rest = Buffer.alloc(0);
    far.on('data', (bytes) => {
      rest = Buffer.concat([rest, bytes]);
      for (;;) {
        const end = rest.indexOf('\r\n');
        if (end < 0) return;
        const line = rest.toString('latin1', 0, end);
        // MSG subject sid [reply] bytes, then the message.
        const size = line.startsWith('MSG ') ? Number(line.split(' ').at(-1)) + 2 : 0;
        const whole = end + 2 + size;
        if (rest.length < whole) return;
        if (size > 0 && isLost()) dropped++;
        else near.write(rest.subarray(0, whole));
        rest = rest.subarray(whole);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    url: `nats://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    dropped: () => dropped,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      const gone = once(server, 'close');
      server.close();
      await gone;
    },
  };
}
