/** What a client of a Jupyter kernel says and hears, whatever carries the messages. */
import { randomUUID } from 'node:crypto';
import type { Ended } from './interpreter.ts';

export type Channel = 'shell' | 'iopub' | 'control' | 'stdin';
type Header = { readonly msg_id: string; readonly msg_type: string };
export type Message = {
  readonly header: Header & Readonly<Record<string, unknown>>;
  readonly parent: Partial<Header>;
  readonly content: Readonly<Record<string, unknown>>;
};

export type Conversation = ReturnType<typeof createConversation>;

type Running = {
  readonly id: string;
  readonly onText: ((text: string) => void) | undefined;
  readonly resolve: (ended: Ended) => void;
  resultAt: number | null;
  error: string | null;
  replied: boolean;
  idle: boolean;
};

export function createConversation(session: string, send: (channel: Channel, message: Message) => void) {
  let running: Running | undefined;

  function ask(type: string, content: Message['content']): string {
    const id = randomUUID();
    const header = {
      msg_id: id,
      msg_type: type,
      session,
      username: 'bench',
      date: new Date().toISOString(),
      version: '5.3',
    };
    send('shell', { header, parent: {}, content });
    return id;
  }

  /** A run is over when both channels have said so, since neither waits for the other. */
  function endIfOver(its: Running): void {
    if (!its.replied || !its.idle) return;
    running = undefined;
    its.resolve({ resultAt: its.resultAt, endedAt: performance.now(), error: its.error });
  }

  return {
    ask,

    execute(code: string, onText?: (text: string) => void): Promise<Ended> {
      const { promise, resolve } = Promise.withResolvers<Ended>();
      const id = ask('execute_request', {
        code,
        silent: false,
        store_history: true,
        user_expressions: {},
        allow_stdin: false,
        stop_on_error: true,
      });
      running = { id, onText, resolve, resultAt: null, error: null, replied: false, idle: false };
      return promise;
    },

    hear(message: Message): void {
      const its = running;
      if (its === undefined || message.parent.msg_id !== its.id) return;
      const { content } = message;
      switch (message.header.msg_type) {
        case 'stream':
          its.onText?.(String(content['text']));
          break;
        case 'execute_result':
          its.resultAt = performance.now();
          break;
        case 'execute_reply':
          if (content['status'] !== 'ok') its.error = String(content['ename'] ?? content['status']);
          its.replied = true;
          endIfOver(its);
          break;
        case 'status':
          if (content['execution_state'] !== 'idle') break;
          its.idle = true;
          endIfOver(its);
          break;
        default:
      }
    },
  };
}
