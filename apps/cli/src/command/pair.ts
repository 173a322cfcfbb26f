/** `markco pair`: shows a code for a new device and asks before it is added; `markco pair CODE`: becomes such a device. */
import type { PairingHere } from '@markco/protocol';
import { Failure } from '@markco/protocol/failure';
import type { DeviceKind } from '@markco/protocol/identity/caps';
import type { Cli, ExitCode } from '../cli.ts';
import { requireDevice, type RunningDevice } from '../device.ts';
import { json, printable } from '../render.ts';
import { verb, type AddVerb, type JsonOption } from '../verb.ts';

type Options = JsonOption & { readonly at?: readonly string[]; readonly yes?: true };

const LOOK_MS = 200;
const DECLINE_MS = 1_000;
const BROWSER = 'It is a browser: once added it can run code on your devices. It adds and removes none.';
/** What each kind of device may do once it is added (`capsFor`). */
const MAY: Readonly<Record<DeviceKind, string>> = {
  desktop: 'Once added it can run code on your devices, and add and remove devices.',
  'server-agent': 'It is a server: once added it runs what your devices ask. It starts nothing on them, and adds none.',
  phone: BROWSER,
  web: BROWSER,
  'public-web': BROWSER,
};

export const addPair: AddVerb = (program, cli, done) => {
  verb(program, 'pair [CODE]', 'Add a device: show a code here, type it there', [
    'markco pair                     # on a device that you have',
    'markco pair 4271 8830           # on the new one, in the same network',
    "markco pair 'markco:pair#…'     # on the new one, anywhere: the link that the other shows",
  ])
    .argument('[MORE...]', 'the rest of the code, when it is typed with spaces')
    .option('--at <address...>', 'where the other device is, when it is not found by itself')
    .option('--yes', 'add the device that knows the code without asking')
    .action(async (code: string | undefined, more: readonly string[], options: Options) => {
      const device = await requireDevice(cli);
      done(
        code === undefined
          ? await offer(cli, device, options)
          : await join(cli, device, [code, ...more].join(''), options),
      );
    });
};

async function offer(cli: Cli, { api }: RunningDevice, options: Options): Promise<ExitCode> {
  const { offered } = await api('offerPairing', { signal: cli.signal });
  if (offered === undefined) throw new Failure('internal', 'The device made no code. Try again.');
  if (options.json) cli.out.write(json({ code: offered.code, link: offered.link, expiresAt: offered.expiresAt }));
  else {
    cli.out.write(`${offered.code.slice(0, 4)} ${offered.code.slice(4)}\n${offered.link}\n`);
    cli.err.write(
      'On the new device: markco pair CODE (same network) or markco pair LINK (anywhere). Good for 5 minutes.\n',
    );
  }
  const asked = await settle(cli, api, ({ offered: now }) =>
    now === undefined || now.state !== 'waiting' ? now : null,
  ).catch(async (error: unknown) => {
    // Who stops this wants nobody to come in by the code any more.
    if (cli.signal.aborted) await api('declinePairing', { signal: AbortSignal.timeout(DECLINE_MS) });
    throw error;
  });
  if (asked?.state === 'asked') {
    const { device: about, check } = asked;
    cli.err.write(
      `${printable(about?.name ?? '')} (${printable(about?.os ?? '')}) asks to be added. Both screens must show: ${check?.words ?? ''} · ${check?.symbols ?? ''}\n`,
    );
    cli.err.write(`${MAY[(about?.kind ?? 'desktop') as DeviceKind] ?? MAY.desktop}\n`);
    if (!(await agreed(cli, options))) {
      await api('declinePairing', { signal: cli.signal });
      cli.err.write('It was not added.\n');
      return 1;
    }
    await api('approvePairing', { signal: cli.signal });
    if (!options.json) cli.err.write(`${printable(about?.name ?? 'It')} is one of your devices now.\n`);
    return 0;
  }
  throw new Failure('unauthorized', asked?.why ?? 'The code is over. Make a new one: markco pair');
}

async function join(cli: Cli, { api }: RunningDevice, code: string, options: Options): Promise<ExitCode> {
  await api('joinPairing', {
    body: { code, ...(options.at === undefined ? {} : { addresses: [...options.at] }) },
    signal: cli.signal,
  });
  let isShown = false;
  const ended = await settle(cli, api, ({ joining }) => {
    if (joining?.state === 'agreed' && !isShown) {
      isShown = true;
      cli.err.write(
        `The other device must show the same: ${joining.check?.words ?? ''} · ${joining.check?.symbols ?? ''}\nSay yes there.\n`,
      );
    }
    return joining?.state === 'joined' || joining?.state === 'failed' ? joining : null;
  });
  if (ended.state === 'failed') throw new Failure('unauthorized', ended.why ?? 'It did not work. Make a new code.');
  if (options.json) cli.out.write(json({ joined: true }));
  else cli.err.write('This is one of your devices now. Projects of the others are listed by: markco projects\n');
  return 0;
}

async function settle<T>(cli: Cli, api: RunningDevice['api'], look: (pairing: PairingHere) => T | null): Promise<T> {
  for (;;) {
    const found = look(await api('pairing', { signal: cli.signal }));
    if (found !== null) return found;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    cli.signal.throwIfAborted();
  }
}

async function agreed(cli: Cli, options: Options): Promise<boolean> {
  if (options.yes === true) return true;
  if (!cli.input.isTerminal)
    throw new Failure('bad_request', 'Nobody is here to say yes. Give --yes to add whoever knows the code.');
  const answer = await cli.input.readLine('Do they? Add it? [y/N] ', false, cli.signal);
  return /^y(es)?$/i.test(answer?.trim() ?? '');
}
