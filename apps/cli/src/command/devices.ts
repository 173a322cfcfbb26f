/** `markco devices`: the devices of this person and how they are reached; `remove DEVICE`, `rename NAME` (this one). */
import type { DeviceHere } from '@markco/protocol';
import { Argument } from 'commander';
import { requireDevice } from '../device.ts';
import { bestPath, pathWords, roundTrip } from '../path-words.ts';
import { pickDevice } from '../reference.ts';
import { colorsFor, json, localTime, printable, shortIds, table } from '../render.ts';
import { verb, type AddVerb, type JsonOption } from '../verb.ts';

export const addDevices: AddVerb = (program, cli, done) => {
  verb(program, 'devices', 'List your devices and how they are reached, remove one, or rename this one', [
    'markco devices',
    'markco devices --json',
    'markco devices remove old-laptop',
    'markco devices rename studio   # this device',
  ])
    .addArgument(new Argument('[action]', 'what to do').choices(['list', 'remove', 'rename']).default('list'))
    .argument('[device]', 'its name, or the beginning of its id; with rename, the new name of this device')
    .option('--reason <reason>', 'why it is removed, for your other devices')
    .action(
      async (
        action: 'list' | 'remove' | 'rename',
        typed: string | undefined,
        options: JsonOption & { reason?: string },
        command,
      ) => {
        if (action === 'remove' && typed === undefined)
          command.error('error: say which device to remove. They are listed by: markco devices');
        if (action === 'rename' && typed === undefined)
          command.error('error: say what this device is to be called, as in: markco devices rename studio');
        const { api } = await requireDevice(cli);
        if (action === 'rename' && typed !== undefined) {
          const { id, name } = await api('renameDevice', { body: { name: typed }, signal: cli.signal });
          cli.out.write(options.json ? json({ renamed: id, name }) : `This device is called ${printable(name)} now.\n`);
          return done(0);
        }
        if (action === 'remove' && typed !== undefined) {
          const { id, name } = await pickDevice(api, typed, cli.signal);
          const query = options.reason === undefined ? {} : { reason: options.reason };
          await api('removeDevice', { params: { id }, query, signal: cli.signal });
          cli.out.write(
            options.json ? json({ removed: id }) : `${printable(name)} is none of your devices from now on.\n`,
          );
          return done(0);
        }
        const { devices } = await api('devices', { signal: cli.signal });
        if (options.json) cli.out.write(json({ devices }));
        else {
          const short = shortIds(devices.map(({ id }) => id));
          const rows = devices.map((device) => [
            short(device.id),
            device.name,
            device.status,
            pathOf(device),
            can(device),
            localTime(device.connection?.since ?? device.lastSeenAt, cli.now()),
          ]);
          cli.out.write(
            table(['ID', 'DEVICE', 'STATE', 'PATH', 'CAN RUN', 'SINCE'], rows, colorsFor(cli.out, cli.env)),
          );
        }
        return done(0);
      },
    );
};

/** In words: how it is reached, or why it is not. */
function pathOf({ connection }: DeviceHere): string {
  if (connection === undefined) return 'this device';
  const path = bestPath(connection.paths);
  if (connection.state !== 'connected' || path === undefined) return connection.why ?? 'not connected';
  const how = pathWords(path);
  return path.roundTripMs === undefined ? how : `${how}, ${roundTrip(path.roundTripMs)}`;
}

function can({ capability }: DeviceHere): string {
  const languages = capability.runtimes.filter(({ available }) => available).map(({ language }) => language);
  return [...languages, ...(capability.gpu === undefined ? [] : [capability.gpu.model ?? 'GPU'])].join(', ');
}
