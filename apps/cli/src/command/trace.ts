/**
 * `markco trace DEVICE`: every address that is known of another device, how it is tried, and what comes of it.
 *
 * Ends as `markco ping` does: 0 direct, 1 relayed, 2 not reached.
 */
import type { Trace } from '@markco/protocol';
import { requireDevice } from '../device.ts';
import { pathWords, roundTrip } from '../path-words.ts';
import { pickDevice } from '../reference.ts';
import { json, localTime, printable } from '../render.ts';
import { verb, type AddVerb, type JsonOption } from '../verb.ts';

const NOT_REACHED = 2;

export const addTrace: AddVerb = (program, cli, done) => {
  verb(program, 'trace', 'See every address that another device is tried at, and what answers', [
    'markco trace gpu-box',
    'markco trace gpu-box --json',
  ])
    .argument('<device>', 'its name, or the beginning of its id')
    .addHelpText('after', '\nExit code: 0 direct, 1 relayed by another device, 2 not reached.\n')
    .action(async (typed: string, options: JsonOption) => {
      done(NOT_REACHED);
      const { api } = await requireDevice(cli);
      const { id, name } = await pickDevice(api, typed, cli.signal);
      const { reach, tries } = await api('traceDevice', { params: { id }, signal: cli.signal });
      if (options.json) cli.out.write(json({ device: { id, name }, reach, tries }));
      else {
        const words = reach.answered
          ? `${pathWords(reach.path)}  ${roundTrip(reach.roundTripMs)}`
          : `not reached since ${localTime(reach.since, cli.now())}: ${reach.why}`;
        cli.out.write(`${printable(`${name}  ${words}`)}\n`);
        for (const line of linesOf(tries)) cli.out.write(`${printable(line)}\n`);
        if (!reach.answered) cli.out.write(`→ ${printable(reach.fix)}\n`);
      }
      done(!reach.answered ? NOT_REACHED : reach.path.relayed ? 1 : 0);
    });
};

const HOW = { tcp: 'direct', websocket: 'WebSocket', webrtc: 'WebRTC', relayed: 'relayed' } as const;

function linesOf(tries: Trace['tries']): readonly string[] {
  if (tries.length === 0) return ['  no address of it is known'];
  const rows = tries.map(({ address, how, relayedBy, ms, answered, why, inUse }) => [
    how === 'relayed' && relayedBy !== undefined ? `relayed by ${relayedBy}` : HOW[how],
    answered ? `answered after ${roundTrip(ms)}` : `${why ?? 'no answer'} (${roundTrip(ms)})`,
    `${address}${inUse ? '  in use' : ''}`,
  ]);
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`);
}
