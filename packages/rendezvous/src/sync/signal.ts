/**
 * `WS /api/signal`: where browsers with `y-webrtc` find each other. Whoever subscribed to a topic hears what others
 * publish there; nothing is kept, and what goes on between two browsers afterwards does not pass here.
 *
 * Topics are those of one user: nobody else's browsers are told of, or reached.
 */
import { Failure, UserIdSchema, type UserId } from '@markco/protocol';
import type { WebSocketConnection } from '@markco/replica/listen/connection';
import * as z from 'zod/mini';

const TOPICS_MAX = 100;
/** An offer with its candidates is some kilobytes. */
const MESSAGE_BYTES_MAX = 64 * 1024;

const topic = z.string().check(z.minLength(1), z.maxLength(200));
const topics = z.array(topic).check(z.maxLength(TOPICS_MAX));
const MessageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('subscribe'), topics }),
  z.object({ type: z.literal('unsubscribe'), topics }),
  z.looseObject({ type: z.literal('publish'), topic }),
  z.object({ type: z.literal('ping') }),
]);

type Subscriber = Pick<WebSocketConnection, 'behind' | 'onBytes' | 'onClose' | 'onText' | 'refuse' | 'text'>;

export type Signaling = {
  serve(connection: Subscriber, userId: UserId): void;
  /** What a browser at another process published. Passed over when it is not understood. */
  hear(json: unknown): void;
};

const ElsewhereSchema = z.object({ userId: UserIdSchema, message: z.looseObject({ topic }) });

/** @param tell told what is published here, for browsers at other processes */
export function createSignaling(tell: (json: unknown) => void = () => undefined): Signaling {
  const subscribers = new Map<string, Set<Subscriber>>();

  function send(userId: UserId, message: { readonly topic: string }): void {
    const receivers = subscribers.get(`${userId} ${message.topic}`);
    if (receivers === undefined) return;
    // Whoever reads too slowly misses it: a browser announces itself again.
    for (const receiver of receivers) if (!receiver.behind()) receiver.text({ ...message, clients: receivers.size });
  }

  return {
    hear(json) {
      const parsed = ElsewhereSchema.safeParse(json);
      if (parsed.success) send(parsed.data.userId, parsed.data.message);
    },
    serve(connection, userId) {
      const mine = new Set<string>();
      const keyOf = (name: string): string => `${userId} ${name}`;

      function subscribe(key: string): void {
        if (mine.has(key)) return;
        if (mine.size >= TOPICS_MAX)
          throw new Failure('too_many', `A connection subscribes to at most ${TOPICS_MAX} topics. Leave some.`);
        mine.add(key);
        const known = subscribers.get(key);
        if (known === undefined) subscribers.set(key, new Set([connection]));
        else known.add(connection);
      }

      function unsubscribe(key: string): void {
        mine.delete(key);
        const left = subscribers.get(key);
        left?.delete(connection);
        if (left?.size === 0) subscribers.delete(key);
      }

      function publish(message: { readonly topic: string }): void {
        send(userId, message);
        tell({ userId, message });
      }

      function receive(text: string): void {
        if (text.length > MESSAGE_BYTES_MAX)
          throw new Failure('too_large', 'A message of a browser to others is at most 64 KiB.');
        const parsed = MessageSchema.safeParse(parse(text));
        if (!parsed.success) throw new Failure('bad_request', 'This is no message of y-webrtc.');
        const { data } = parsed;
        if (data.type === 'subscribe') for (const name of data.topics) subscribe(keyOf(name));
        else if (data.type === 'unsubscribe') for (const name of data.topics) unsubscribe(keyOf(name));
        else if (data.type === 'publish') publish(data);
        else connection.text({ type: 'pong' });
      }

      connection.onText((text) => {
        try {
          receive(text);
        } catch (error) {
          connection.refuse(Failure.from(error));
        }
      });
      connection.onBytes(() => connection.refuse(new Failure('bad_request', 'This is no message of y-webrtc.')));
      connection.onClose(() => {
        for (const key of [...mine]) unsubscribe(key);
      });
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
