/** Kernels of a Jupyter Server, over its REST and WebSocket, in the binary frames that JupyterLab speaks. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { familyOf } from '../../machine.ts';
import { createConversation, type Channel, type Message } from './conversation.ts';
import type { Interpreter, Interpreters, Source } from './interpreter.ts';

type JupyterSource = Extract<Source, { kind: 'jupyter-server' }>;

const PROTOCOL = 'v1.kernel.websocket.jupyter.org';

export type JupyterKernel = Interpreter & {
  /** Cuts the connection without a farewell; the next run or `reconnect` opens it again. */
  cut(): Promise<void>;
  reconnect(): Promise<void>;
  /** Another client of the same kernel. */
  another(): Promise<{ hear(onMessage: (message: Message) => void): void; close(): void }>;
};

export function jupyterServer(
  source: JupyterSource,
): Omit<Interpreters, 'prepare'> & { prepare(): Promise<JupyterKernel> } {
  const ask = async (method: string, path: string): Promise<unknown> => {
    const answer = await fetch(`${source.origin}${path}`, {
      method,
      headers: { authorization: `token ${source.token}`, 'content-type': 'application/json' },
      ...(method === 'POST' ? { body: '{"name":"python3"}' } : {}),
    });
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
    return answer.status === 204 ? undefined : await answer.json();
  };

  async function connect(kernel: string, session: string): Promise<WebSocket> {
    const url = `${source.origin.replace('http', 'ws')}/api/kernels/${kernel}/channels?session_id=${session}&token=${source.token}`;
    const ws = new WebSocket(url, [PROTOCOL], { perMessageDeflate: false });
    await once(ws, 'open');
    return ws;
  }

  function kernelOf(): JupyterKernel {
    const session = randomUUID();
    let kernel: string | undefined;
    let ws: WebSocket | undefined;
    const conversation = createConversation(session, (channel, message) => ws?.send(encode(channel, message)));

    async function reconnect(): Promise<void> {
      kernel ??= ((await ask('POST', '/api/kernels')) as { id: string }).id;
      ws = await connect(kernel, session);
      ws.on('message', (data: Buffer) => conversation.hear(decode(data)));
    }

    return {
      reconnect,
      async run(code, onText) {
        if (ws === undefined) await reconnect();
        return conversation.execute(code, onText);
      },
      interrupt: async () => void (await ask('POST', `/api/kernels/${kernel}/interrupt`)),
      async cut() {
        const gone = ws;
        if (gone === undefined) return;
        const closed = once(gone, 'close');
        gone.terminate();
        await closed;
      },
      async another() {
        const other = await connect(kernel ?? '', randomUUID());
        return {
          hear: (onMessage) => void other.on('message', (data: Buffer) => onMessage(decode(data))),
          close: () => other.terminate(),
        };
      },
      async end() {
        ws?.terminate();
        if (kernel !== undefined) await ask('DELETE', `/api/kernels/${kernel}`);
      },
    };
  }

  return {
    prepare: async () => kernelOf(),
    processes: () => familyOf([source.pid]),
    close: async () => undefined,
  };
}

/** Offsets as 64-bit numbers, then the channel's name, header, parent header, metadata and content. */
function encode(channel: Channel, { header, parent, content }: Message): Buffer {
  const parts = [channel, ...[header, parent, {}, content].map((part) => JSON.stringify(part))].map((part) =>
    Buffer.from(part),
  );
  const head = Buffer.alloc(8 * (parts.length + 2));
  head.writeBigUInt64LE(BigInt(parts.length + 1), 0);
  let offset = head.length;
  for (const [at, part] of parts.entries()) {
    head.writeBigUInt64LE(BigInt(offset), 8 * (at + 1));
    offset += part.length;
  }
  head.writeBigUInt64LE(BigInt(offset), 8 * (parts.length + 1));
  return Buffer.concat([head, ...parts]);
}

function decode(frame: Buffer): Message {
  const offset = (at: number): number => Number(frame.readBigUInt64LE(8 * (at + 1)));
  const part = (at: number): never => JSON.parse(frame.toString('utf8', offset(at), offset(at + 1))) as never;
  return { header: part(1), parent: part(2), content: part(4) };
}
