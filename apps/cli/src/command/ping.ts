/**
 * `markco ping DEVICE`: whether another device answers, by which way and how fast.
 *
 * Ends with 0 when it is reached directly, 1 when another device passes on what is said, 2 when it is not reached,
 * whatever the reason: scripts ask this to know whether to go on.
 */
import type { Reach } from '@markco/protocol';
import { Failure } from '@markco/protocol/failure';
import { InvalidArgumentError } from 'commander';
import { setTimeout as wait } from 'node:timers/promises';
import { requireDevice } from '../device.ts';
import { pathWords, roundTrip } from '../path-words.ts';
import { pickDevice } from '../reference.ts';
import { json, localTime, printable } from '../render.ts';
import { verb, type AddVerb, type JsonOption } from '../verb.ts';

const NOT_REACHED = 2;
const PAUSE_MS = 200;

export const addPing: AddVerb = (program, cli, done) => {
  verb(program, 'ping', 'See whether another of your devices answers, by which way and how fast', [
    'markco ping gpu-box',
    'markco ping gpu-box -c 1 --json',
  ])
    .argument('<device>', 'its name, or the beginning of its id')
    .option('-c, --count <n>', 'so many round trips', parseCount, 3)
    .addHelpText('after', '\nExit code: 0 direct, 1 relayed by another device, 2 not reached.\n')
    .action(async (typed: string, options: JsonOption & { readonly count: number }) => {
      done(NOT_REACHED);
      const { api } = await requireDevice(cli);
      const { id, name } = await pickDevice(api, typed, cli.signal);
      const trips: number[] = [];
      let last: Reach | undefined;
      while (trips.length < options.count && last?.answered !== false) {
        if (trips.length > 0) await wait(PAUSE_MS, undefined, { signal: cli.signal });
        last = await api('pingDevice', { params: { id }, signal: cli.signal });
        if (last.answered) trips.push(last.roundTripMs);
        if (options.json === undefined) cli.out.write(lineOf(name, last, cli.now()));
      }
      if (last === undefined) throw new Failure('internal', 'Nothing was sent. Try again.');
      if (options.json) cli.out.write(json({ device: { id, name }, roundTripsMs: trips, reach: last }));
      done(!last.answered ? NOT_REACHED : last.path.relayed ? 1 : 0);
    });
};

function lineOf(name: string, reach: Reach, now: number): string {
  const words = reach.answered
    ? `${pathWords(reach.path)}  ${roundTrip(reach.roundTripMs)}`
    : `not reached since ${localTime(reach.since, now)}: ${reach.why}`;
  return `${printable(`${name}  ${words}`)}\n${reach.answered ? '' : `→ ${printable(reach.fix)}\n`}`;
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError('It is a whole number from 1 to 9999.');
  return Number(text);
}
