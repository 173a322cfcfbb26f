/** `markco log`: which of this person's devices changed what, and when. */
import { CHANGES_DEFAULT, CHANGES_MAX } from '@markco/protocol/api/record-routes';
import { changeWords } from '../change-words.ts';
import { requireDevice } from '../device.ts';
import { json, localTime, printable } from '../render.ts';
import { verb, type AddVerb, type JsonOption } from '../verb.ts';

export const addLog: AddVerb = (program, cli, done) => {
  verb(program, 'log', 'Show which of your devices changed what, and when', [
    'markco log',
    'markco log --limit 200',
    'markco log --json',
  ])
    .option('--limit <count>', `how many changes, ${CHANGES_MAX} at most`, String(CHANGES_DEFAULT))
    .action(async ({ limit, json: asJson }: JsonOption & { limit: string }, command) => {
      if (!/^[1-9]\d{0,5}$/.test(limit)) command.error('error: --limit takes a whole number above 0');
      const device = await requireDevice(cli);
      const { changes } = await device.api('changes', { query: { limit }, signal: cli.signal });
      if (asJson) cli.out.write(json({ changes }));
      else if (changes.length === 0)
        cli.err.write('Nothing is kept while this is your only device. Add another with: markco pair\n');
      else
        for (const change of changes)
          cli.out.write(`${printable(changeWords(change))} · ${localTime(change.at, cli.now())}\n`);
      done(0);
    });
};
