/**
 * For tests: a plain agent that never stops talking, at whichever process of a cloud takes it. It keeps what was not
 * acknowledged and says it again, as `docs/protocol/agents.md` asks, and knows what was acknowledged.
 */
import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import type { Door } from '../failure/documents/processes.fixture.ts';

const WINDOW = 200;
const AGAIN_MS = 500;

type Said = { readonly reply_to: string; readonly seq: number; readonly event: string; readonly data: object };
type Talk = { unsent: Said[]; next: number; acknowledged: number; isOver: boolean };

export type Speaker = Disposable & {
  readonly isConnected: () => boolean;
  /** Runs that it was handed, each as often as it was. */
  readonly handed: readonly string[];
  /** Runs that the cloud wanted it to forget. */
  readonly forgotten: readonly string[];
  /** How many lines of a run it has printed, and of how many of its messages the cloud has said that they are kept. */
  printed(run: string): number;
  acknowledged(run: string): number;
  /** Prints no more, and ends the run. */
  finish(run: string): void;
  /** As a network that is cut: nobody says goodbye. */
  cut(): void;
};

/** What a run that printed so many lines has printed. */
export const printedBy = (count: number): string => Array.from({ length: count }, (_, at) => `⟦${at + 1}⟧\n`).join('');

/** @param door for each connection anew; undefined while there is none */
export function startSpeaker(token: string, door: () => Door | undefined, everyMs = 20): Speaker {
  const talks = new Map<string, Talk>();
  const [handed, forgotten]: [string[], string[]] = [[], []];
  const instance = randomUUID();
  let socket: WebSocket | undefined;
  let user = '';
  let isReady = false;
  let isEnded = false;
  let again: NodeJS.Timeout | undefined;

  function send(message: object): void {
    const envelope = { message_id: randomUUID(), user_id: user, timestamp: new Date().toISOString() };
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ ...envelope, ...message }));
  }

  function say(run: string, talk: Talk, event: string, data: object): void {
    const said = { reply_to: run, seq: talk.next++, event, data };
    talk.unsent.push(said);
    if (isReady) send({ type: 'MRP_RESPONSE', ...said });
  }

  function received(run: string, next: number): void {
    const talk = talks.get(run);
    if (talk === undefined) return;
    talk.acknowledged = Math.max(talk.acknowledged, next);
    talk.unsent = talk.unsent.filter(({ seq }) => seq >= next);
  }

  type Heard = {
    readonly type: string;
    readonly message_id: string;
    readonly user_id: string;
    readonly path?: string;
    readonly resume?: readonly { readonly request_id: string; readonly next_seq: number }[];
    readonly received?: readonly { readonly request_id: string; readonly next_seq: number }[];
    readonly forget?: readonly string[];
  };

  function hear({ type, message_id: id, user_id: userId, path, ...more }: Heard): void {
    if (type === 'DEVICE_LIST' && user === '') user = userId;
    for (const { request_id: run, next_seq: next } of [...(more.received ?? []), ...(more.resume ?? [])])
      received(run, next);
    if (type === 'REGISTER') {
      isReady = true;
      for (const run of more.forget ?? []) {
        forgotten.push(run);
        talks.delete(run);
      }
      for (const { request_id: run } of more.resume ?? [])
        for (const said of talks.get(run)?.unsent ?? []) send({ type: 'MRP_RESPONSE', ...said });
    }
    if (type !== 'MRP_REQUEST') return;
    if (path !== '/mrp/v1/execute/stream') {
      send({ type: 'MRP_RESPONSE', reply_to: id, status: 200, body: { interrupted: true, accepted: true } });
      return;
    }
    handed.push(id);
    const talk: Talk = { unsent: [], next: 0, acknowledged: 0, isOver: false };
    talks.set(id, talk);
    say(id, talk, 'start', {});
  }

  function connect(): void {
    const at = door();
    if (isEnded) return;
    if (at === undefined) {
      again = setTimeout(connect, AGAIN_MS);
      return;
    }
    let isRegistered = false;
    const mine = new WebSocket(`${at.origin.replace('http', 'ws')}/api/agents/connect`, {
      headers: { authorization: `Bearer ${token}` },
    });
    socket = mine;
    mine.on('message', (data: Buffer) => {
      const heard = JSON.parse(String(data)) as Heard;
      hear(heard);
      if (isRegistered || heard.type !== 'DEVICE_LIST') return;
      isRegistered = true;
      const running = [...talks].flatMap(([run, { isOver, unsent }]) =>
        isOver && unsent.length === 0 ? [] : [{ request_id: run }],
      );
      const runtimes = [{ runtime_id: 'python', language: 'python', version: '3' }];
      send({ type: 'REGISTER', instance, runtimes, running });
    });
    mine.on('error', () => undefined);
    mine.on('close', () => {
      isReady = false;
      if (!isEnded) again = setTimeout(connect, AGAIN_MS);
    });
  }
  connect();
  const talking = setInterval(() => {
    for (const [run, talk] of talks)
      if (!talk.isOver && talk.unsent.length < WINDOW) say(run, talk, 'stdout', { content: `⟦${talk.next}⟧\n` });
  }, everyMs);
  const beating = setInterval(() => void (isReady && send({ type: 'HEARTBEAT' })), 10_000);

  return {
    ...{ handed, forgotten, isConnected: () => isReady },
    printed(run) {
      const talk = talks.get(run);
      return talk === undefined ? 0 : talk.next - (talk.isOver ? 2 : 1);
    },
    acknowledged: (run) => talks.get(run)?.acknowledged ?? 0,
    finish(run) {
      const talk = talks.get(run);
      if (talk === undefined || talk.isOver) return;
      talk.isOver = true;
      say(run, talk, 'result', { result: null, executionCount: 1, duration: 1 });
    },
    cut: () => socket?.terminate(),
    [Symbol.dispose]() {
      isEnded = true;
      clearInterval(talking);
      clearInterval(beating);
      clearTimeout(again);
      socket?.terminate();
    },
  };
}
