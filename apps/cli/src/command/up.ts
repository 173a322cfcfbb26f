/** `markco up [DIR…]`: this device, until somebody stops it. */
import { Failure } from '@markco/protocol/failure';
import type { Cli } from '../cli.ts';
import { findDevice, linkTo, requireDevice, type RunningDevice } from '../device.ts';
import { configOf } from '../home.ts';
import { jsonLine, printable } from '../render.ts';
import { showPage } from '../show-page.ts';
import { startDevice } from '../start-device.ts';
import { untilStopped } from '../until-stopped.ts';
import { verb, type AddVerb, type JsonOption } from '../verb.ts';
import { openFolder } from './open.ts';

type Options = JsonOption & { readonly browser: boolean; readonly relay?: true };

export const addUp: AddVerb = (program, cli, done) => {
  verb(program, 'up [DIR...]', 'Start this device with its page, and open folders', [
    'markco up',
    'markco up ~/notes ~/work/report',
    'MARKCO_PORT=7800 markco up --no-browser',
    'markco up --relay               # on a machine that all your devices reach',
  ])
    .option('--no-browser', 'print the link only')
    .option('--relay', 'pass on what your other devices say, where they do not reach each other')
    .action(async (dirs: readonly string[], options: Options) => {
      const running = await findDevice(cli);
      if (running !== null) {
        const pid = running.pid === null ? '' : ` (pid ${running.pid})`;
        cli.err.write(`Port ${running.port} is already MarkCo${pid}. Opening that one.\n`);
        if (options.relay)
          cli.err.write('Whether it is a relay was settled when it started: stop it first to change that.\n');
        // Here to open them is all there was to do.
        return done((await present(cli, running, dirs, options)) ? 0 : 1);
      }
      const node = await startDevice(cli, options.relay === true ? { relay: true } : {});
      try {
        await present(cli, await requireDevice(cli), dirs, options);
        if (!options.json) cli.out.write('Ctrl-C stops MarkCo; running cells go on.\n');
        await untilStopped(cli);
      } finally {
        await node.close();
      }
      done(0);
    });
};

/** Opens the folders and says what there is to know; a folder that cannot be opened stops nothing. Answers whether all were. */
async function present(cli: Cli, device: RunningDevice, dirs: readonly string[], options: Options): Promise<boolean> {
  const { projects: known } = await device.api('projects', { signal: cli.signal });
  const wanted = dirs.length > 0 || known.length > 0 ? dirs : [cli.sampleProject];
  const opened = [];
  for (const dir of wanted) {
    try {
      opened.push(await openFolder(cli, device, dir));
    } catch (error) {
      if (cli.signal.aborted) throw error;
      cli.err.write(`Could not open ${printable(dir)}: ${Failure.from(error).message}\n`);
    }
  }
  const shown = opened[0] ?? known[0] ?? null;
  const url = linkTo(device, shown);
  const { version, runtimes } = await device.api('device', { signal: cli.signal });
  if (options.json)
    cli.out.write(
      jsonLine({ url, port: device.port, home: configOf(cli).home, projects: [...known, ...opened], runtimes }),
    );
  else {
    const folder =
      shown?.localRootPath === undefined ? 'no folder is open' : `folder ${printable(shown.localRootPath)}`;
    cli.out.write(`MarkCo ${version} · ${url} · ${folder}\n`);
    cli.out.write(
      `${runtimes.map(({ label, available, version: its }) => `${label}${its === undefined ? '' : ` ${its}`} ${available ? '✓' : '✗'}`).join('  ')}\n`,
    );
    if (runtimes.some(({ available }) => !available))
      cli.out.write('`markco doctor` says how to get what is missing.\n');
  }
  if (options.browser && !options.json) await showPage(cli, url);
  return opened.length === wanted.length;
}
