/**
 * `markco share PATH --view`: a link to a page or a project, for whoever has it, at the cloud that keeps it.
 * `markco shares` lists such links; `markco share --revoke ID` ends one.
 */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Share, ShareRole } from '@markco/protocol';
import { Failure } from '@markco/protocol/failure';
import type { Cli } from '../cli.ts';
import { requireDevice, type RunningDevice } from '../device.ts';
import { findFileDocument } from '../file-document.ts';
import { pick, pickProject } from '../reference.ts';
import { colorsFor, json, localTime, printable, shortIds, table } from '../render.ts';
import { verb, type AddVerb, type JsonOption } from '../verb.ts';

type Options = JsonOption & {
  readonly view?: true;
  readonly suggest?: true;
  readonly edit?: true;
  readonly expires?: string;
  readonly revoke?: string;
};

const ROLES = ['view', 'suggest', 'edit'] as const satisfies readonly ShareRole[];
const UNITS_MS: Readonly<Record<string, number>> = {
  m: 60_000,
  h: 3_600_000,
  d: 24 * 3_600_000,
  w: 7 * 24 * 3_600_000,
};

/** `7d` in milliseconds; undefined for what is no such time. */
function lastsOf(typed: string): number | undefined {
  const [, count = '', unit = ''] = /^(\d{1,5})([mhdw])$/.exec(typed.trim()) ?? [];
  const lasts = Number(count) * (UNITS_MS[unit] ?? 0);
  return lasts > 0 && lasts <= 366 * 24 * 3_600_000 ? lasts : undefined;
}

export const addShare: AddVerb = (program, cli, done) => {
  verb(program, 'share [PATH]', 'Make a link to a page or a project, for whoever has it', [
    'markco share notes/plan.md --view               # whoever has the link reads this page',
    'markco share notes/plan.md --edit --expires 7d  # and writes in it, for seven days',
    'markco share ~/notes --view                     # all pages of the project',
    'markco share --revoke 019a8f3c                  # whoever is there by it is cut off',
    'markco shares                                   # the links there are',
  ])
    .option('--view', 'they read it')
    .option('--suggest', 'they read it, and write in a copy beside it, from which you take what you like')
    .option('--edit', 'they write in it too; nobody runs code by a link')
    .option('--expires <time>', 'it ends by itself: 30m, 12h, 7d, 4w; a year at most')
    .option('--revoke <id>', 'end the link with this id, as `markco shares` shows it')
    .action(async (path: string | undefined, options: Options, command) => {
      const [role, ...others] = ROLES.filter((each) => options[each] === true);
      if (options.revoke !== undefined) {
        if (path !== undefined || role !== undefined || options.expires !== undefined)
          command.error('error: --revoke goes alone, as in: markco share --revoke ID');
        await revoke(cli, await requireDevice(cli), options.revoke, options.json === true);
        return done(0);
      }
      if (role === undefined || others.length > 0)
        command.error('error: say what they may do, one of --view, --suggest and --edit');
      const lastsMs = options.expires === undefined ? undefined : lastsOf(options.expires);
      if (options.expires !== undefined && lastsMs === undefined)
        command.error('error: --expires is a time such as 30m, 12h, 7d or 4w, a year at most');
      const device = await requireDevice(cli);
      const { id, documentId } = await findShared(cli, device, path);
      const { share, url } = await device.api('share', {
        params: { id },
        body: {
          role: role ?? 'view',
          ...(documentId === undefined ? {} : { documentId }),
          ...(lastsMs === undefined ? {} : { lastsMs }),
        },
        signal: cli.signal,
      });
      if (options.json) cli.out.write(json({ share, url }));
      else {
        cli.out.write(`${printable(url)}\n`);
        cli.err.write(
          `${SENTENCES[share.role](printable(share.path ?? share.project))}${untilWords(share, cli.now())} The link is not shown again; end it with: markco share --revoke ${share.id}\n`,
        );
      }
      return done(0);
    });

  verb(program, 'shares', 'List the links to your pages and projects', ['markco shares']).action(
    async (options: JsonOption) => {
      const { api } = await requireDevice(cli);
      const { shares } = await api('shares', { signal: cli.signal });
      if (options.json) cli.out.write(json({ shares }));
      else if (shares.length === 0) cli.err.write('There are no links. Make one with: markco share PATH --view\n');
      else {
        const short = shortIds(shares.map(({ id }) => id));
        cli.out.write(
          table(
            ['ID', 'MAY', 'PROJECT', 'PAGE', 'GUESTS', 'ENDS'],
            shares.map((share) => [
              short(share.id),
              share.role,
              printable(share.project),
              share.documentId === undefined ? 'all' : printable(share.path ?? '(deleted)'),
              String(share.guests),
              share.endsAt === undefined ? 'when revoked' : localTime(share.endsAt, cli.now()),
            ]),
            colorsFor(cli.out, cli.env),
          ),
        );
      }
      return done(0);
    },
  );
};

const SENTENCES: Readonly<Record<ShareRole, (name: string) => string>> = {
  view: (name) => `Whoever has this link reads ${name}.`,
  suggest: (name) => `Whoever has this link reads ${name}, and writes in a copy beside it.`,
  edit: (name) => `Whoever has this link reads and writes ${name}.`,
};

const untilWords = ({ endsAt }: Share, now: number): string =>
  endsAt === undefined ? '' : ` It ends ${localTime(endsAt, now)}.`;

const isPageName = (path: string): boolean => /\.(?:md|qmd)$/i.test(path);

/** A file that is a page, or a project by its folder or its name. */
async function findShared(
  cli: Cli,
  { api }: RunningDevice,
  path: string | undefined,
): Promise<{ readonly id: string; readonly documentId?: NonNullable<Share['documentId']> }> {
  const isFile = async (file: string): Promise<boolean> =>
    (await stat(resolve(cli.cwd, file)).catch(() => null))?.isFile() === true;
  // What is called as a page is one, also where there is none: then it is said that there is none.
  if (path === undefined || (!isPageName(path) && !(await isFile(path)))) {
    const project = await pickProject(cli, api, path).catch(async (error: unknown) => {
      const { code, message } = Failure.from(error);
      if (path === undefined || code !== 'not_found') throw error;
      const hint = (await isFile(`${path}.md`))
        ? `If you mean the page: markco share ${path}.md`
        : 'A page is named by its file, as in notes/plan.md.';
      throw new Failure('not_found', `${message} ${printable(hint)}`, { cause: error });
    });
    return { id: project.id };
  }
  const { project, document } = await findFileDocument(cli, api, path);
  return { id: project.id, documentId: document.id };
}

async function revoke(cli: Cli, { api }: RunningDevice, typed: string, asJson: boolean): Promise<void> {
  const { shares } = await api('shares', { signal: cli.signal });
  const { id } = pick('link', typed, shares, (share) => ({ id: share.id, names: [] }));
  await api('revokeShare', { params: { share: id }, signal: cli.signal });
  if (asJson) cli.out.write(json({ id }));
  else cli.err.write('The link is revoked. Whoever was there by it is cut off.\n');
}
