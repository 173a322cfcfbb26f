/** `markco peers`: the connections to this person's other devices, each way one line, and why there is none. */
import type { DeviceHere } from '@markco/protocol';
import { requireDevice } from '../device.ts';
import { pathWords, roundTrip } from '../path-words.ts';
import { colorsFor, json, localTime, table } from '../render.ts';
import { verb, type AddVerb, type JsonOption } from '../verb.ts';

export const addPeers: AddVerb = (program, cli, done) => {
  verb(program, 'peers', 'List the connections to your other devices', ['markco peers', 'markco peers --json']).action(
    async (options: JsonOption) => {
      const { api } = await requireDevice(cli);
      const { devices } = await api('devices', { signal: cli.signal });
      const peers = devices.flatMap(({ id, name, connection }) =>
        connection === undefined ? [] : [{ id, name, ...connection }],
      );
      if (options.json) cli.out.write(json({ peers }));
      else if (peers.length === 0) cli.err.write('This is your only device. Add another with: markco pair\n');
      else {
        const rows = peers.flatMap((peer) => rowsOf(peer, cli.now()));
        const head = ['DEVICE', 'STATE', 'PATH', 'ADDRESS', 'ROUND TRIP', 'SINCE', 'WHY NOT'];
        cli.out.write(table(head, rows, colorsFor(cli.out, cli.env)));
      }
      done(0);
    },
  );
};

type Peer = Pick<DeviceHere, 'name'> & NonNullable<DeviceHere['connection']>;

function rowsOf({ name, state, paths, since, why }: Peer, now: number): readonly (readonly string[])[] {
  const at = localTime(since, now);
  if (paths.length === 0) return [[name, state, '', '', '', at, why ?? '']];
  return paths.map((path) => [
    name,
    state,
    pathWords(path),
    path.address,
    path.roundTripMs === undefined ? '' : roundTrip(path.roundTripMs),
    at,
    why ?? '',
  ]);
}
