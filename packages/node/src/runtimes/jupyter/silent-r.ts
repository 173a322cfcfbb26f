/**
 * Questions to IRkernel that Jupyter's protocol does not have: R code that is in no history and whose output, one line
 * of JSON between two marks, is read here and shown to nobody. It is the code that answers in an R of our own.
 */
import { randomBytes } from 'node:crypto';
import type { QuestionKind } from '@markco/protocol';
import { loadDriver } from '../r/driver.ts';
import { literal } from '../r/literal.ts';
import { prepare } from '../r/questions.ts';
import type { KernelRequest } from './answers.ts';

const ASKED: ReadonlySet<QuestionKind> = new Set(['variables', 'variable', 'hover', 'reset']);
const ANSWER_CHARS_MAX = 1024 * 1024;
const RESET = 'rm(list = ls(globalenv(), all.names = TRUE), envir = globalenv())';

export const rAnswers = (kind: QuestionKind): boolean => ASKED.has(kind);

export async function askR(
  request: KernelRequest,
  channel: 'shell' | 'control',
  kind: QuestionKind,
  given: unknown,
): Promise<unknown> {
  const { question, read } = prepare(kind, given);
  const mark = randomBytes(16).toString('hex');
  const told = kind === 'reset' ? `{ ${RESET}; list() }` : `driver$answer(${literal(kind)}, ${literal(question)})`;
  const code = `local({ ${loadDriver('answering')}; cat('${mark}', driver$json(${told}), '${mark}', sep = '') })`;
  let said = '';
  await request(
    channel,
    'execute_request',
    { code, silent: false, store_history: false, user_expressions: {}, allow_stdin: false, stop_on_error: false },
    ({ type, content }) => {
      if (type === 'stream' && said.length < ANSWER_CHARS_MAX) said += String(content['text'] ?? '');
    },
  );
  const json = said.split(mark)[1];
  if (json === undefined) throw new Error('R has no answer to this.');
  if (kind === 'reset') return {};
  const { answer, problem } = JSON.parse(json) as { answer?: unknown; problem?: string };
  if (problem !== undefined) throw new Error(problem);
  return read(answer);
}
