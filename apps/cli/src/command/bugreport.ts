/**
 * `markco bugreport`: what helps somebody else to find a fault, in a file that stays here until it is sent by hand. It
 * has no names, addresses, paths, code or output.
 */
import { writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { Failure } from '@markco/protocol/failure';
import { gather } from '../bugreport/gather.ts';
import { createRedact } from '../bugreport/redact.ts';
import { configOf } from '../home.ts';
import { json, printable } from '../render.ts';
import { verb, type AddVerb, type JsonOption } from '../verb.ts';

export function addBugreport(version: string): AddVerb {
  return (program, cli, done) => {
    verb(program, 'bugreport', 'Write down what helps to find a fault, without names, addresses, paths or code', [
      'markco bugreport',
      'markco bugreport --json | less',
    ])
      .option('-o, --output <file>', 'where to write it')
      .action(async (options: JsonOption & { readonly output?: string }) => {
        const { report, names } = await gather(cli, version);
        const redact = createRedact({ names, homes: [configOf(cli).home, homedir(), cli.cwd] });
        const text = json(redact(report));
        done(0);
        if (options.json) {
          cli.out.write(text);
          return;
        }
        const day = new Date(cli.now()).toISOString().slice(0, 10);
        const file = resolve(cli.cwd, options.output ?? `markco-bugreport-${day}.json`);
        await writeFile(file, text, { mode: 0o600, flag: 'wx' }).catch((cause: NodeJS.ErrnoException) => {
          const why = cause.code === 'EEXIST' ? 'is there already' : 'cannot be written';
          throw new Failure('conflict', `${file} ${why}. Choose another file with --output.`, { cause });
        });
        cli.out.write(`Written to ${printable(file)}. Read it; it stays on this machine until you send it.\n`);
      });
  };
}
