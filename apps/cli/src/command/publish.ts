/** `markco publish [DIR]`: shows a project to everybody, at the cloud that keeps it; `--off` takes it back. */
import type { Publication } from '@markco/protocol';
import type { Cli } from '../cli.ts';
import { requireDevice, type RunningDevice } from '../device.ts';
import { json, printable } from '../render.ts';
import { verb, type AddVerb, type JsonOption } from '../verb.ts';
import { openFolder } from './open.ts';

type Options = JsonOption & {
  readonly as?: string;
  readonly off?: true;
  readonly allow?: readonly string[];
};

/** Pages that are named one by one. */
const NAMED_MAX = 10;

export const addPublish: AddVerb = (program, cli, done) => {
  verb(program, 'publish [DIR]', 'Show the pages of a project to everybody, at your cloud', [
    'markco publish ~/notes --as ada       # they are at /@ada/notes from now on',
    'markco publish ~/notes                # what is public, and what is kept back',
    'markco publish ~/notes --when-asked   # as it is now, until this is typed again',
    'markco publish ~/notes --off          # nothing of it is public any more',
  ])
    .option('--as <name>', 'the name that your pages are under, chosen once')
    .option('--when-asked', 'readers see it as it is now, until you publish it again')
    .option('--when-saved', 'readers see what is saved, as at first')
    .option('--allow <id...>', 'show what looks like a secret, by the id that was printed with it')
    .option('--off', 'take it back')
    .action(
      async (
        dir: string | undefined,
        options: Options & { readonly whenAsked?: true; readonly whenSaved?: true },
        command,
      ) => {
        if (options.whenAsked === true && options.whenSaved === true)
          command.error('error: --when-asked and --when-saved exclude each other');
        const device = await requireDevice(cli);
        const project = await openFolder(cli, device, dir ?? '.');
        const params = { id: project.id };
        if (options.off === true) {
          await device.api('unpublish', { params, signal: cli.signal });
          if (options.json) cli.out.write(json({ state: 'none' }));
          else cli.err.write(`Nothing of ${printable(project.displayName)} is public any more.\n`);
          return done(0);
        }
        const userName = options.as ?? (await askName(cli, device, params));
        const publication = await device.api('publish', {
          params,
          body: {
            ...(userName === undefined ? {} : { userName }),
            ...(options.whenAsked === true
              ? { update: 'asked' }
              : options.whenSaved === true
                ? { update: 'saved' }
                : {}),
            ...(options.allow === undefined ? {} : { allow: [...options.allow] }),
          },
          signal: cli.signal,
        });
        if (options.json) cli.out.write(json(publication));
        else present(cli, publication, dir ?? '.');
        return done(0);
      },
    );
};

/** Undefined where the name is known, and where nobody can be asked: then the cloud says what is missing. */
async function askName(cli: Cli, { api }: RunningDevice, params: { readonly id: string }): Promise<string | undefined> {
  if (!cli.input.isTerminal) return undefined;
  const known = await api('publication', { params, signal: cli.signal });
  if (known.state === 'public' || known.userName !== undefined) return undefined;
  const typed = await cli.input.readLine('The name that your pages are under, as in /@ada: ', false, cli.signal);
  return typed === null || typed.trim() === '' ? undefined : typed.trim().toLowerCase();
}

function present(cli: Cli, publication: Publication, dir: string): void {
  if (publication.state === 'none') return;
  const { url, pages, update, held, leftOut } = publication;
  cli.out.write(`${printable(url)}\n`);
  const count = pages === 1 ? '1 page is public' : `${pages} pages are public`;
  const until =
    update === 'saved' ? 'what you save is public within seconds' : 'it stays as it is until you publish it again';
  cli.err.write(`${count}; ${until}. Take it back with: markco publish ${printable(dir)} --off\n`);
  const named = leftOut.slice(0, NAMED_MAX).map(({ path, why }) => `${printable(path)} (${why})`);
  const rest = leftOut.length - named.length;
  if (named.length > 0) cli.err.write(`Not public: ${named.join(', ')}${rest > 0 ? `, and ${rest} more` : ''}\n`);
  for (const { path, line, kind, id } of held)
    cli.err.write(
      `Kept back: ${printable(path)}, line ${line} looks like ${kind}. Remove it, or show it anyway: markco publish ${printable(dir)} --allow ${id}\n`,
    );
}
