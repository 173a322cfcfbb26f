/** `markco recovery`: the 24 words that are the key to all of a person's devices, for paper. */
import { Failure } from '@markco/protocol/failure';
import { requireDevice } from '../device.ts';
import { json } from '../render.ts';
import { verb, type AddVerb, type JsonOption } from '../verb.ts';

const ROW_WORDS = 4;

export const addRecovery: AddVerb = (program, cli, done) => {
  verb(program, 'recovery', 'Show the 24 recovery words, to be written on paper', ['markco recovery'])
    .option('--yes', 'show them where they may be kept: in a file, or to another program')
    .action(async (options: JsonOption & { readonly yes?: true }) => {
      // Asked first, so that nothing secret is fetched for nobody.
      if (!cli.out.isTerminal && options.yes !== true)
        throw new Failure(
          'bad_request',
          'The words would go to a file or to another program. Type it in a terminal, or give --yes if that is meant.',
        );
      const { api } = await requireDevice(cli);
      const { words } = await api('recoveryPhrase', { signal: cli.signal });
      cli.err.write(
        'Whoever has these words can add devices as you, and run programs on yours. Write them on paper, in this order; keep no picture and no file of them, and tell them to nobody.\n',
      );
      cli.out.write(options.json ? json({ words }) : grid(words));
      done(0);
    });
};

function grid(words: readonly string[]): string {
  const width = Math.max(...words.map((word) => word.length));
  const cells = words.map((word, index) => `${String(index + 1).padStart(2)} ${word.padEnd(width)}`);
  return Array.from({ length: Math.ceil(cells.length / ROW_WORDS) }, (_, row) =>
    cells
      .slice(row * ROW_WORDS, (row + 1) * ROW_WORDS)
      .join('   ')
      .trimEnd(),
  )
    .map((line) => `${line}\n`)
    .join('');
}
