/**
 * `markco login URL`: this device keeps its documents with a cloud from now on; `markco logout`: no longer. With the line
 * that `markco cloud` printed at once; with the address alone once somebody who is signed in there says yes.
 */
import type { Cloud } from '@markco/protocol';
import { Failure } from '@markco/protocol/failure';
import type { Cli } from '../cli.ts';
import { requireDevice } from '../device.ts';
import { json, jsonLine, printable } from '../render.ts';
import { modeWords } from '../sync-mode-words.ts';
import { verb, type AddVerb, type JsonOption } from '../verb.ts';

export const addLogin: AddVerb = (program, cli, done) => {
  verb(
    program,
    'login URL',
    'Keep your documents with a cloud too, so that they are there while your devices are off',
    [
      "markco login 'http://cloud.example.com:3000/#token=…'    # the line that `markco cloud` printed",
      'markco login https://cloud.example.com                  # you say yes in a browser that is signed in there',
    ],
  ).action(async (typed: string, options: JsonOption) => {
    const { url, token } = placeOf(typed);
    const { api } = await requireDevice(cli);
    const cloud =
      token === null
        ? await askToCome(cli, api, url, options)
        : await api('joinCloud', { body: { url, token }, signal: cli.signal });
    cli.out.write(options.json ? json(cloud) : `This device keeps its documents with ${printable(url)} from now on.\n`);
    if (!options.json) for (const words of modeWords(cloud)) cli.out.write(`Its cloud is ${words}.\n`);
    done(0);
  });
  verb(program, 'logout', 'Keep your documents with the cloud no longer; what it has stays there', [
    'markco logout',
  ]).action(async (options: JsonOption) => {
    const { api } = await requireDevice(cli);
    const before = await api('cloud', { signal: cli.signal });
    await api('leaveCloud', { signal: cli.signal });
    if (options.json) cli.out.write(json({ left: before.state === 'none' ? null : before.url }));
    else
      cli.out.write(
        before.state === 'none'
          ? 'This device is with no cloud.\n'
          : `This device tells ${printable(before.url)} nothing more. What it has stays there.\n`,
      );
    done(0);
  });
};

/** Resolves once this device is let in. */
async function askToCome(cli: Cli, api: Api, url: string, options: JsonOption): Promise<Cloud> {
  const asked = await api('askCloud', { body: { url }, signal: cli.signal });
  if (asked.state !== 'waiting') throw new Failure('internal', 'The device did not say what to do. Upgrade it.');
  if (options.json) cli.err.write(jsonLine(asked));
  else {
    cli.err.write(`Open ${printable(asked.page)} where you are signed in, and type this code:\n\n`);
    cli.err.write(`    ${printable(asked.code)}\n\n`);
    cli.err.write(
      `It shows the same of this device's key: ${printable(asked.fingerprint)}. Waiting; Ctrl-C gives up.\n`,
    );
  }
  try {
    for (;;) {
      const now = await api('cloudAsked', { signal: cli.signal });
      if (now.state === 'joined') return await api('cloud', { signal: cli.signal });
      if (now.state === 'failed') throw new Failure('not_ready', now.why);
      if (now.state !== 'waiting') throw new Failure('forbidden', 'This device was not let in. Nothing was changed.');
    }
  } catch (error) {
    if (cli.signal.aborted) await api('giveUpCloud', {}).catch(() => undefined);
    throw error;
  }
}

type Api = Awaited<ReturnType<typeof requireDevice>>['api'];

/** Fails with `bad_request` for what is no such line, and no address of a cloud. */
function placeOf(typed: string): { url: string; token: string | null } {
  const url = URL.parse(typed);
  const isBare = url !== null && url.hash === '' && url.pathname === '/' && url.search === '';
  const token = isBare ? null : new URLSearchParams(url?.hash.slice(1)).get('token');
  if (url === null || !/^https?:$/.test(url.protocol) || (token === null ? !isBare : token === ''))
    throw new Failure(
      'bad_request',
      "Give the whole line that `markco cloud` printed, in quotes: markco login 'http://…/#token=…'",
    );
  return { url: url.origin, token };
}
