/**
 * Requests to a kernel that wait: each is over when its reply has come *and* the kernel has said on its output channel
 * that it is idle again, because the two come on different sockets and output may be behind the reply.
 *
 * A kernel that was interrupted at a bad moment, or whose output was so much that ZeroMQ dropped some, leaves one of
 * the two out: when nothing further has come for a while, the request is over without it.
 */
import type { KernelMessage } from './wire.ts';

export type Reply = KernelMessage['content'] | null;

/** After the first of the two, since the last message about the request. */
const QUIET_MS = 2_000;
/** The same once it was interrupted: an interrupt at a bad moment is why kernels leave the reply out. */
const INTERRUPTED_QUIET_MS = 200;

type Waiting = {
  reply: KernelMessage['content'] | undefined;
  isIdle: boolean;
  quietMs: number;
  timer: NodeJS.Timeout | undefined;
  readonly onOutput: (message: KernelMessage) => void;
  readonly resolve: (reply: Reply) => void;
};

export function createRequests() {
  const waiting = new Map<string, Waiting>();

  function settle(id: string, request: Waiting): void {
    clearTimeout(request.timer);
    if (request.reply === undefined && !request.isIdle) return;
    const isOver = request.reply !== undefined && request.isIdle;
    if (isOver) end(id, request);
    else request.timer = setTimeout(() => end(id, request), request.quietMs).unref();
  }

  function end(id: string, request: Waiting): void {
    waiting.delete(id);
    request.resolve(request.reply ?? null);
  }

  return {
    /** Resolves when the request is over: its reply's content, or null when the kernel has not given one. */
    wait(id: string, onOutput: (message: KernelMessage) => void): Promise<Reply> {
      return new Promise((resolve) => {
        waiting.set(id, { reply: undefined, isIdle: false, quietMs: QUIET_MS, timer: undefined, onOutput, resolve });
      });
    },

    /** Whether it belonged to a request that waits. */
    output(message: KernelMessage): boolean {
      const request = waiting.get(message.parent);
      if (request === undefined) return false;
      if (message.type === 'status') request.isIdle ||= message.content['execution_state'] === 'idle';
      else request.onOutput(message);
      settle(message.parent, request);
      return true;
    },

    reply(message: KernelMessage): void {
      const request = waiting.get(message.parent);
      if (request === undefined) return;
      request.reply = message.content;
      settle(message.parent, request);
    },

    /** It was interrupted. */
    hurry(id: string): void {
      const request = waiting.get(id);
      if (request === undefined) return;
      request.quietMs = INTERRUPTED_QUIET_MS;
      settle(id, request);
    },

    /** Nobody waits for it any more. */
    forget(id: string): void {
      clearTimeout(waiting.get(id)?.timer);
      waiting.delete(id);
    },
  };
}
