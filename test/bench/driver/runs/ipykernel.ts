/** Kernels with nothing between them and their client: a child process each, over ZeroMQ. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { freePort } from '@markco/replica/free-port.fixture';
import { familyOf } from '../../machine.ts';
import { createConversation, type Message } from './conversation.ts';
import type { Interpreter, Interpreters, Source } from './interpreter.ts';

type Frames = readonly Buffer[];
type ZmqSocket = AsyncIterable<Frames> & {
  connect(address: string): void;
  send(frames: readonly (string | Buffer)[]): Promise<void>;
  subscribe(): void;
  close(): void;
};
type ZeroMq = {
  readonly Dealer: new (options: object) => ZmqSocket;
  readonly Subscriber: new (options: object) => ZmqSocket;
};

const DELIMITER = '<IDS|MSG>';
const HERE = '127.0.0.1';
const ASK_AGAIN_MS = 10;
/** Neither side drops a message, and a client that is there before its kernel waits no longer than it must. */
const OPTIONS = { linger: 0, receiveHighWaterMark: 0, reconnectInterval: 2 };

const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

export function bareKernels({ python, folder }: Extract<Source, { kind: 'ipykernel' }>): Interpreters {
  const { Dealer, Subscriber } = createRequire(join(import.meta.dirname, '../../peers/package.json'))(
    'zeromq',
  ) as ZeroMq;
  const started = new Set<ChildProcess>();

  async function prepare(): Promise<Interpreter> {
    const key = randomUUID();
    const session = randomUUID();
    const [shell, iopub, stdin, control, heartbeat] = [
      await freePort(),
      await freePort(),
      await freePort(),
      await freePort(),
      await freePort(),
    ];
    const file = join(folder, `kernel-${session}.json`);
    await writeFile(
      file,
      JSON.stringify({
        transport: 'tcp',
        ip: HERE,
        shell_port: shell,
        iopub_port: iopub,
        stdin_port: stdin,
        control_port: control,
        hb_port: heartbeat,
        signature_scheme: 'hmac-sha256',
        key,
      }),
    );
    const dealer = new Dealer({ ...OPTIONS, sendHighWaterMark: 0, routingId: session });
    const subscriber = new Subscriber(OPTIONS);
    let child: ChildProcess | undefined;
    let isHeard = false;

    const conversation = createConversation(session, (_channel, { header, parent, content }) => {
      const parts = [header, parent, {}, content].map((part) => JSON.stringify(part));
      const signature = createHmac('sha256', key);
      for (const part of parts) signature.update(part);
      void dealer.send([DELIMITER, signature.digest('hex'), ...parts]);
    });

    async function read(socket: ZmqSocket): Promise<void> {
      for await (const frames of socket) {
        if (socket === subscriber) isHeard = true;
        conversation.hear(decode(frames));
      }
    }

    async function start(): Promise<void> {
      child = spawn(python, ['-m', 'ipykernel_launcher', '-f', file], { cwd: folder, stdio: 'ignore' });
      children.add(child);
      started.add(child);
      child.once('exit', () => child !== undefined && (children.delete(child), started.delete(child)));
      dealer.connect(`tcp://${HERE}:${shell}`);
      subscriber.connect(`tcp://${HERE}:${iopub}`);
      subscriber.subscribe();
      for (const socket of [dealer, subscriber]) read(socket).catch(() => undefined);
      // What a kernel says before its client has subscribed is lost: it is asked until something has come.
      while (!isHeard) {
        conversation.ask('kernel_info_request', {});
        await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
      }
    }

    return {
      async run(code, onText) {
        if (child === undefined) await start();
        return conversation.execute(code, onText);
      },
      interrupt: async () => void child?.kill('SIGINT'),
      async end() {
        dealer.close();
        subscriber.close();
        if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
        const gone = once(child, 'exit');
        child.kill('SIGKILL');
        await gone;
      },
    };
  }

  return {
    prepare,
    processes: () => familyOf([...started].flatMap(({ pid }) => (pid === undefined ? [] : [pid]))),
    close: async () => undefined,
  };
}

function decode(frames: Frames): Message {
  const at = frames.findIndex((frame) => frame.toString() === DELIMITER);
  const part = (number: number): never => JSON.parse(String(frames[at + number])) as never;
  return { header: part(2), parent: part(3), content: part(5) };
}
