/**
 * For tests: a way to a Postgres server that knows each statement, and lets one of them go wrong.
 *
 * 1. `refuse`: the connection breaks before the server has the statement.
 * 2. `lose`: the server carries it out, and the connection breaks before its answer is through.
 * 3. `hang`: nothing more passes on that connection, and it stays open.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export type Fault = 'refuse' | 'lose' | 'hang';

export type FaultyWay = {
  readonly url: string;
  /** Each statement that was executed, in order, a transaction's `BEGIN` and `COMMIT` with them. */
  readonly executed: readonly string[];
  /** The next statement that `isIt` holds of goes wrong; resolves as it does. @param isIt told how many came before it */
  fail(fault: Fault, isIt: (statement: string, at: number) => boolean): Promise<void>;
  /** What is not to go wrong any more. */
  spare(): void;
};

/** From the client, by the first byte: https://www.postgresql.org/docs/current/protocol-message-formats.html */
const [PARSE, BIND, QUERY] = [0x50, 0x42, 0x51];
const LENGTH_BYTES = 4;
/** The last message of every answer: its letter, its length, and what state a transaction is in. */
const READY_FOR_QUERY = Buffer.from([0x5a, 0, 0, 0, 5]);

type Wanted = { readonly fault: Fault; isIt(statement: string, at: number): boolean; done(): void };

export async function startFaultyWay(to: string): Promise<FaultyWay & AsyncDisposable> {
  const target = new URL(to);
  const sockets = new Set<Socket>();
  const executed: string[] = [];
  let wanted: Wanted | undefined;

  /** What is to go wrong with this statement, which is about to be executed. */
  function faultAt(statement: string): Fault | undefined {
    const at = executed.push(statement) - 1;
    if (wanted?.isIt(statement, at) !== true) return undefined;
    const { fault, done } = wanted;
    wanted = undefined;
    done();
    return fault;
  }

  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    const prepared = new Map<string, string>();
    const end = (): void => [near, far].forEach((socket) => socket.destroy());
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        end();
      });
    }
    let gone: Fault | undefined;
    let isFirst = true;
    let rest = Buffer.alloc(0);
    near.on('data', (bytes) => {
      rest = Buffer.concat([rest, bytes]);
      while (gone !== 'hang' && gone !== 'refuse') {
        // The first message says who comes, and has no letter.
        const head = isFirst ? 0 : 1;
        if (rest.length < head + LENGTH_BYTES) return;
        const whole = head + rest.readUInt32BE(head);
        if (rest.length < whole) return;
        const message = rest.subarray(0, whole);
        const statement = isFirst ? undefined : statementIn(message, prepared);
        if (statement !== undefined && gone === undefined) gone = faultAt(statement);
        if (gone === 'refuse') return end();
        if (gone === 'hang') return;
        far.write(message);
        rest = rest.subarray(whole);
        isFirst = false;
      }
    });
    far.on('data', (bytes) => {
      if (gone === undefined) near.write(bytes);
      else if (gone === 'lose' && isEnd(bytes)) end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: Object.assign(new URL(to), { hostname: '127.0.0.1', port: String(port) }).href,
    executed,
    fail: (fault, isIt) => new Promise((done) => (wanted = { fault, isIt, done })),
    spare: () => (wanted = undefined),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}

/** The statement that this message has executed. */
function statementIn(message: Buffer, prepared: Map<string, string>): string | undefined {
  const [kind] = message;
  const words = (): readonly string[] => message.toString('utf8', 1 + LENGTH_BYTES).split('\0', 2);
  if (kind === QUERY) return words()[0];
  if (kind === PARSE) {
    const [name = '', text = ''] = words();
    prepared.set(name, text);
  }
  return kind === BIND ? prepared.get(words()[1] ?? '') : undefined;
}

/** Whether these bytes end an answer. */
function isEnd(bytes: Buffer): boolean {
  const at = bytes.length - READY_FOR_QUERY.length - 1;
  return at >= 0 && bytes.subarray(at, -1).equals(READY_FOR_QUERY);
}
