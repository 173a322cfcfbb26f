/**
 * What the processes of one cloud tell each other, over NATS core: quick, and without a promise. Whatever is missed is
 * read from the database, so nothing here waits, repeats or keeps anything.
 */
import { connect, type NatsConnection } from '@nats-io/transport-node';

/** Told when a message is larger than the server takes. */
type Sent = 'sent' | 'too-large' | 'away';

export type Bus = {
  readonly isUp: boolean;
  /** To all others. */
  tell(kind: string, message: Uint8Array): Sent;
  close(): Promise<void>;
};

export type BusParts = {
  readonly url: string;
  /** What only the processes of one cloud have in common: others on the same server hear nothing of them. */
  readonly space: string;
  readonly onMessage: (kind: string, message: Uint8Array) => void;
  readonly onUp: (isUp: boolean) => void;
};

const CONNECT_MS = 2_000;
const AGAIN_MS = 250;
const AGAIN_MAX_MS = 4_000;
/** A server that answers none of two in a row is taken for gone. */
const PING_MS = 2_000;

/** Never rejects: while there is no server it is looked for. */
export function openBus({ url, space, onMessage, onUp }: BusParts): Bus {
  let connection: NatsConnection | undefined;
  let isUp = false;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  function say(up: boolean): void {
    if (isUp === up) return;
    isUp = up;
    onUp(up);
  }

  async function begin(): Promise<void> {
    const made = await connect({
      ...optionsOf(url),
      ...{ timeout: CONNECT_MS, noEcho: true, pingInterval: PING_MS, maxPingOut: 2 },
      ...{ maxReconnectAttempts: -1, reconnectTimeWait: AGAIN_MS, ignoreAuthErrorAbort: true },
    });
    if (closed) return made.close();
    connection = made;
    made.subscribe(`${space}.*`, {
      callback(error, { subject, data }) {
        if (error === null) onMessage(subject.slice(space.length + 1), data);
      },
    });
    void follow(made);
    say(true);
  }

  async function follow(made: NatsConnection): Promise<void> {
    for await (const { type } of made.status()) {
      if (type === 'disconnect' || type === 'staleConnection' || type === 'reconnecting') say(false);
      else if (type === 'reconnect') say(true);
    }
    say(false);
  }

  function look(wait: number): void {
    begin().catch(() => {
      if (!closed) timer = setTimeout(look, wait, Math.min(AGAIN_MAX_MS, wait * 2));
    });
  }
  look(AGAIN_MS);

  return {
    get isUp() {
      return isUp;
    },
    tell(kind, message) {
      // What the library would keep until the server is back is late then, and without a bound.
      if (!isUp || connection === undefined) return 'away';
      if (message.length > (connection.info?.max_payload ?? 0)) return 'too-large';
      connection.publish(`${space}.${kind}`, message);
      return 'sent';
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      await connection?.close();
    },
  };
}

/** User and password as they are in an address: the library takes them apart from it. */
function optionsOf(url: string): { servers: string[]; user?: string; pass?: string; token?: string } {
  const servers: string[] = [];
  let given = {};
  for (const each of url.split(',')) {
    const { username, password, protocol, host } = new URL(
      each.includes('://') ? each.trim() : `nats://${each.trim()}`,
    );
    servers.push(`${protocol}//${host}`);
    const [user, pass] = [username, password].map(decodeURIComponent);
    if (user !== '') given = pass === '' ? { token: user } : { user, pass };
  }
  return { servers, ...given };
}
