/** Lines from stdin: with a prompt on a terminal, hidden for passwords, in silence from a pipe. */
import { createInterface, type Interface } from 'node:readline';
import { Writable, type Readable } from 'node:stream';
import type { Input } from './cli.ts';

export type TerminalStreams = {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** Where prompts go: stderr, so that stdout holds results only. */
  readonly prompts: Writable;
};

/** Nothing is read before the first question, so that a command that asks nothing leaves stdin to others. */
export function createInput({ stdin, prompts }: TerminalStreams): Input {
  const isTerminal = stdin.isTTY === true;
  let hidden = false;
  let lines: { readonly reader: Interface; readonly next: AsyncIterator<string> } | null = null;
  const echo = new Writable({
    write(chunk, _encoding, callback) {
      if (!hidden) prompts.write(chunk);
      callback();
    },
  });

  return {
    isTerminal,
    async readLine(prompt, hide, signal) {
      if (lines === null) {
        const reader = createInterface({ input: stdin, output: echo, terminal: isTerminal });
        lines = { reader, next: reader[Symbol.asyncIterator]() };
      }
      if (isTerminal) prompts.write(prompt);
      hidden = hide;
      const aborted = new Promise<null>((resolve) =>
        signal.addEventListener('abort', () => resolve(null), { once: true }),
      );
      try {
        const answer = await Promise.race([lines.next.next(), aborted]);
        if (isTerminal && hide) prompts.write('\n');
        return answer === null || answer.done === true ? null : answer.value;
      } finally {
        hidden = false;
        if (isTerminal) {
          lines.reader.close();
          lines = null;
        }
      }
    },
  };
}
