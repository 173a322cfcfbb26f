/** `markco cloud owner`: whose account runs the cloud of this machine, and that another one does from now on. */
import type { ListedAccount } from '@markco/protocol';
import { Failure } from '@markco/protocol/failure';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { requireCloud } from '../cloud-here.ts';
import { colorsFor, json, localTime, printable, table } from '../render.ts';
import { verb, type JsonOption } from '../verb.ts';

type Options = JsonOption & { readonly deleteOwn?: boolean };

export function addOwner(cloud: Command, cli: Cli, done: (code: number) => void): void {
  verb(cloud, 'owner', 'Say whose account runs your cloud, or hand that over to another one', [
    'markco cloud owner                      # on the machine that the cloud runs on: the accounts there',
    'markco cloud owner Bob                  # Bob runs it from now on; its line is another one',
    'markco cloud owner Bob --delete-own     # and the account that ran it is deleted, with all that it has there',
  ])
    .argument('[account]', 'its name, or its id where two have one name')
    .option('--delete-own', 'delete the account that has run the cloud until now, for ever')
    .action(async (asked: string | undefined, own: Options, command: Command) => {
      const { api, url } = await requireCloud(cli);
      const { accounts } = await api('cloudAccounts', { signal: cli.signal });
      const isJson = command.optsWithGlobals<JsonOption>().json === true;
      if (asked === undefined) {
        cli.out.write(isJson ? json({ accounts }) : list(cli, accounts));
        return done(0);
      }
      const next = accountOf(accounts, asked);
      const deletesOwn = own.deleteOwn === true;
      const { token } = await api('handOverCloud', { body: { account: next.id, deletesOwn }, signal: cli.signal });
      const link = `${url}/#token=${token}`;
      if (isJson) cli.out.write(json({ account: next.id, link }));
      else {
        cli.out.write(`${printable(link)}\n`);
        cli.err.write(
          `${printable(next.name)} runs this cloud now; this line is theirs, and the one before is worth nothing. ` +
            `Devices that came by that one log in again: markco login ${printable(url)}\n` +
            'Start the cloud again when it suits, so that the device beside it has the new line too.\n',
        );
      }
      done(0);
    });
}

function list(cli: Cli, accounts: readonly ListedAccount[]): string {
  const rows = accounts.map(({ name, createdAt, id, operates }) => [
    ...[printable(name), localTime(createdAt, cli.now()), id, operates ? 'runs this cloud' : ''],
  ]);
  return table(['ACCOUNT', 'SINCE', 'ID', ''], rows, colorsFor(cli.out, cli.env));
}

/** @throws Failure `not_found`, `conflict` where several go by that name */
export function accountOf(accounts: readonly ListedAccount[], asked: string): ListedAccount {
  const wanted = asked.trim().toLowerCase();
  const found = accounts.filter(({ id, name }) => id === wanted || name.trim().toLowerCase() === wanted);
  const [only] = found;
  if (only === undefined)
    throw new Failure('not_found', `No account here is called ${asked}. See them: markco cloud owner`);
  if (found.length > 1)
    throw new Failure('conflict', `${found.length} accounts are called ${asked}. Give the id: markco cloud owner`);
  return only;
}
