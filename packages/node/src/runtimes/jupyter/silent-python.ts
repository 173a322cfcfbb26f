/**
 * Questions to IPython: the same code that answers in our own Python worker (`python/markco_worker/answers.py`), loaded
 * into the kernel and asked by a silent expression, whose value comes back in the reply and leaves no trace.
 */
import { fileURLToPath } from 'node:url';
import type { Question, QuestionKind } from '@markco/protocol';
import type { KernelRequest } from './answers.ts';
import { isMap } from './wire.ts';

const FOLDER = fileURLToPath(new URL('../python', import.meta.url));
const ASKED: ReadonlySet<QuestionKind> = new Set([
  'complete',
  'inspect',
  'hover',
  'variables',
  'variable',
  'format',
  'reset',
]);

/** IPython knows its magics better, and when code with them is complete. */
export function pythonAnswers(kind: QuestionKind, question: unknown): boolean {
  if (kind !== 'complete') return ASKED.has(kind);
  const { code, cursor } = question as Question<'complete'>;
  return !/^\s*[%!][^\n]*$/m.test(code.slice(0, cursor).split('\n').at(-1) ?? '');
}

/** IPython's own names and its numbered history are hidden from the list of variables, as `%who` hides them. */
const SOURCE = `
def ask(names, folder, text):
    import base64, importlib, json, re, sys
    module = sys.modules.get("markco_worker.answers")
    if module is None:
        sys.path.insert(0, folder)
        try:
            module = importlib.import_module("markco_worker.answers")
        finally:
            sys.path.remove(folder)
    kind, question = json.loads(base64.b64decode(text))
    shell = names["get_ipython"]() if "get_ipython" in names else None
    try:
        if kind == "reset":
            shell.reset(new_session=False)
            answer = {}
        else:
            if kind == "variables":
                hidden = getattr(shell, "user_ns_hidden", {})
                numbered = re.compile(r"_(i{0,3}|i?\\d+|o?h|dh|exit_code)$")
                names = {
                    name: value
                    for name, value in names.copy().items()
                    if not (name in hidden and hidden[name] is value) and name not in ("In", "Out", "exit", "quit", "get_ipython", "open") and not numbered.match(name)
                }
            answer = module.Answers(names).give(kind, question)
        told = {"answer": answer}
    except module.NoAnswer as error:
        told = {"problem": str(error)}
    return base64.b64encode(json.dumps(told).encode()).decode()
`;

export async function askPython(
  request: KernelRequest,
  channel: 'shell' | 'control',
  kind: QuestionKind,
  question: unknown,
): Promise<unknown> {
  const text = Buffer.from(JSON.stringify([kind, question])).toString('base64');
  // Its own names, so that nothing of it is left among the user's; theirs go in by a lambda's argument.
  const expression = `(lambda names, own: (__import__('builtins').exec(${JSON.stringify(SOURCE)}, own), own['ask'](names, ${JSON.stringify(FOLDER)}, '${text}'))[1])(globals(), {})`;
  const reply = await request(
    channel,
    'execute_request',
    {
      code: '',
      silent: true,
      store_history: false,
      user_expressions: { told: expression },
      allow_stdin: false,
      stop_on_error: false,
    },
    () => undefined,
  );
  const expressions = isMap(reply?.['user_expressions']) ? reply['user_expressions'] : {};
  const told = isMap(expressions['told']) ? expressions['told'] : {};
  const data = isMap(told['data']) ? told['data'] : {};
  const encoded = /^'([A-Za-z0-9+/=]*)'$/.exec(String(data['text/plain'] ?? ''))?.[1];
  if (encoded === undefined) throw new Error(`The kernel has no answer to this${reasonOf(told)}.`);
  const { answer, problem } = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8')) as {
    answer?: unknown;
    problem?: string;
  };
  if (problem !== undefined) throw new Error(problem);
  return answer;
}

function reasonOf(told: Readonly<Record<string, unknown>>): string {
  const said = told['evalue'];
  return typeof said === 'string' && said !== '' ? ` (${said.slice(0, 500)})` : '';
}
