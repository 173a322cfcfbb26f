/**
 * Questions to a kernel. Jupyter's own requests answer completion, inspection and whether code is complete; variables
 * are no part of its protocol and are asked for by a silent piece of code in the kernel's language (`silent-*.ts`).
 *
 * 1. A question leaves no trace: it is not in the history, counts nothing and shows nothing.
 * 2. A kernel does one thing at a time. While a run is on only IPython answers, on its control channel, which is read
 *    by a thread of its own.
 */
import type { Answer, QuestionKind, Question } from '@markco/protocol';
import { completionOf, inspectionOf, toPoints } from './replies.ts';
import type { Reply } from './requests.ts';
import { askR, rAnswers } from './silent-r.ts';
import { askPython, pythonAnswers } from './silent-python.ts';
import type { KernelMessage } from './wire.ts';

export type KernelRequest = (
  channel: 'shell' | 'control',
  type: string,
  content: Readonly<Record<string, unknown>>,
  onOutput: (message: KernelMessage) => void,
) => Promise<Reply>;

export type AnswerParts = {
  /** For people. */
  readonly label: string;
  /** In lower case, as the kernel says it. */
  readonly language: string;
  readonly implementation: string;
  readonly request: KernelRequest;
  isBusy(): boolean;
};

export function createAnswers({ label, language, implementation, request, isBusy }: AnswerParts) {
  const isIPython = language === 'python' && implementation.includes('ipython');
  const isIR = language === 'r' && implementation === 'irkernel';

  /** Where it is answered now. */
  function channel(): 'shell' | 'control' {
    if (!isBusy()) return 'shell';
    if (isIPython) return 'control';
    throw new Error(`${label} runs a cell and answers when that is done.`);
  }

  async function send(type: string, content: Readonly<Record<string, unknown>>): Promise<NonNullable<Reply>> {
    const reply = await request(channel(), type, content, () => undefined);
    if (reply === null || reply['status'] === 'error' || reply['status'] === 'aborted')
      throw new Error(`${label} has no answer to this.`);
    return reply;
  }

  async function complete({ code, cursor }: Question<'complete'>): Promise<Answer<'complete'>> {
    const reply = await send('complete_request', { code, cursor_pos: toPoints(code, cursor) });
    return completionOf(reply, code, cursor);
  }

  async function inspect({ code, cursor, detail = 1 }: Question<'inspect'>): Promise<Answer<'inspect'>> {
    const reply = await send('inspect_request', {
      code,
      cursor_pos: toPoints(code, cursor),
      detail_level: detail === 2 ? 1 : 0,
    });
    return inspectionOf(reply, code, cursor, detail);
  }

  async function hover(question: Question<'hover'>): Promise<Answer<'hover'>> {
    const { found, name, type, value, signature } = await inspect({ ...question, detail: 0 });
    const known = Object.entries({ name, type, value, signature }).filter(([, text]) => text !== undefined);
    return { found, ...Object.fromEntries(known) };
  }

  async function isComplete({ code }: Question<'isComplete'>): Promise<Answer<'isComplete'>> {
    const { status, indent } = await send('is_complete_request', { code });
    const known = (['complete', 'incomplete', 'invalid', 'unknown'] as const).find((name) => name === status);
    return { status: known ?? 'unknown', indent: typeof indent === 'string' ? indent.slice(0, 1_000) : '' };
  }

  return {
    async ask(kind: QuestionKind, question: unknown): Promise<unknown> {
      if (isIPython && pythonAnswers(kind, question)) return askPython(request, channel(), kind, question);
      if (isIR && rAnswers(kind)) return askR(request, channel(), kind, question);
      switch (kind) {
        case 'complete':
          return complete(question as Question<'complete'>);
        case 'inspect':
          return inspect(question as Question<'inspect'>);
        case 'hover':
          return hover(question as Question<'hover'>);
        case 'isComplete':
          return isComplete(question as Question<'isComplete'>);
        default:
          throw new Error(`${label} does not answer this.`);
      }
    },
  };
}
