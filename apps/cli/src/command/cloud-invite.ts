/** `markco cloud invite`: a link by which one more person makes an account at the cloud of this machine. */
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { requireCloud } from '../cloud-here.ts';
import { json, printable } from '../render.ts';
import { verb, type JsonOption } from '../verb.ts';

export function addInvite(cloud: Command, cli: Cli, done: (code: number) => void): void {
  verb(cloud, 'invite', 'Print a link by which one more person makes an account at your cloud', [
    'markco cloud invite    # on the machine that the cloud runs on',
  ]).action(async (_own: JsonOption, command: Command) => {
    const { api, url } = await requireCloud(cli);
    const { code, endsAt } = await api('invite', { signal: cli.signal });
    const link = `${url}/sign-in#invite=${code}`;
    if (command.optsWithGlobals<JsonOption>().json) cli.out.write(json({ link, endsAt }));
    else {
      cli.out.write(`${printable(link)}\n`);
      cli.err.write(`Good for one account, until ${endsAt.slice(0, 10)}. Whoever has it may use it.\n`);
    }
    done(0);
  });
}
