/** `markco login URL`: this device keeps its documents with a cloud from now on; `markco logout`: no longer. */
import { Failure } from '@markco/protocol';
import { requireDevice } from '../device.ts';
import { json, printable } from '../render.ts';
import { verb, type AddVerb, type JsonOption } from '../verb.ts';

export const addLogin: AddVerb = (program, cli, done) => {
  verb(
    program,
    'login URL',
    'Keep your documents with a cloud too, so that they are there while your devices are off',
    ["markco login 'http://cloud.example.com:3000/#token=…'    # the line that `markco cloud` printed"],
  ).action(async (typed: string, options: JsonOption) => {
    const place = placeOf(typed);
    const { api } = await requireDevice(cli);
    const cloud = await api('joinCloud', { body: place, signal: cli.signal });
    cli.out.write(
      options.json ? json(cloud) : `This device keeps its documents with ${printable(place.url)} from now on.\n`,
    );
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

/** Fails with `bad_request` for what is no such line. */
function placeOf(typed: string): { url: string; token: string } {
  const url = URL.parse(typed);
  const token = new URLSearchParams(url?.hash.slice(1)).get('token');
  if (url === null || !/^https?:$/.test(url.protocol) || token === null || token === '')
    throw new Failure(
      'bad_request',
      "Give the whole line that `markco cloud` printed, in quotes: markco login 'http://…/#token=…'",
    );
  return { url: url.origin, token };
}
