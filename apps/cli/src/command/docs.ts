/** `markco docs [PROJECT]`: the documents of a project, in the order of their paths. */
import { requireDevice } from '../device.ts';
import { pickProject } from '../reference.ts';
import { colorsFor, json, localTime, table } from '../render.ts';
import { verb, type AddVerb, type JsonOption } from '../verb.ts';

export const addDocs: AddVerb = (program, cli, done) => {
  verb(program, 'docs [PROJECT]', 'List the documents of a project (default: the one of this folder)', [
    'markco docs',
    'markco docs welcome',
    'markco docs ~/notes --json',
  ]).action(async (name: string | undefined, options: JsonOption) => {
    const device = await requireDevice(cli);
    const project = await pickProject(cli, device.api, name);
    const { documents } = await device.api('documents', { params: { id: project.id }, signal: cli.signal });
    if (options.json) cli.out.write(json({ project, documents }));
    else if (documents.length === 0)
      cli.err.write(`${project.displayName} has no documents yet. Put a file that ends in .md into its folder.\n`);
    else {
      const file = ({ path, ext }: (typeof documents)[number]) => (path.endsWith(ext) ? path : path + ext);
      const rows = documents
        .toSorted((a, b) => (file(a) < file(b) ? -1 : 1))
        .map((document) => [
          file(document),
          document.title ?? '',
          `${document.sizeBytes} B`,
          localTime(document.updatedAt, cli.now()),
        ]);
      cli.out.write(table(['FILE', 'TITLE', 'SIZE', 'CHANGED'], rows, colorsFor(cli.out, cli.env)));
    }
    done(0);
  });
};
