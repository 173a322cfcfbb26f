/** `markco run FILE…`: runs the cells of documents on the running device, as if somebody pressed run on each. */
import type { Client, OpenDocument } from '@markco/client/client';
import type { Device, RunId, SessionId } from '@markco/protocol';
import { Failure } from '@markco/protocol/failure';
import { newId } from '@markco/protocol/id';
import { InvalidArgumentError, Option } from 'commander';
import { cellsOf, type RunnableCell } from '../cell.ts';
import type { Cli, ExitCode } from '../cli.ts';
import { requireDevice } from '../device.ts';
import { exitCodeOf, TIMED_OUT } from '../exit-code.ts';
import { writeEvent } from '../event-output.ts';
import { openFileDocument } from '../file-document.ts';
import { followToEnd } from '../follow.ts';
import { withClient } from '../peer.ts';
import { pickDevice } from '../reference.ts';
import { jsonLine, printable } from '../render.ts';
import { verb, type AddVerb, type JsonOption } from '../verb.ts';

type Options = JsonOption & {
  readonly cell?: CellChoice;
  readonly all?: true;
  readonly on?: string;
  readonly timeout?: number;
};
/** A number counted from 1, or a label. */
type CellChoice = number | string;
/** `on`: the device a person named. `cell`: null for all of them. `late`: aborts when the time is over. */
type Plan = {
  readonly cell: CellChoice | null;
  readonly on: Device | null;
  readonly asJson: boolean;
  readonly late: AbortSignal | null;
};

/** Three weeks: what a timer can hold. */
const OUTPUTS_MS = 5_000;
const SECONDS_MAX = 1_814_400;

export const addRun: AddVerb = (program, cli, done) => {
  verb(program, 'run <FILE...>', 'Run the cells of documents in order, until one fails', [
    'markco run notes/train.md',
    'markco run notes/train.md --cell 3',
    'markco run notes/train.md --cell setup --timeout 60',
    'markco run *.md --json',
  ])
    .addOption(
      new Option('--cell <cell>', 'only the cell with this number, counted from 1, or this label').argParser(parseCell),
    )
    .addOption(new Option('--all', 'all cells, which is what happens without --cell').conflicts('cell'))
    .option('--on <device>', 'on this device, by its name or id')
    .option('--timeout <seconds>', 'cancel what is not done by then, and end with 124', parseSeconds)
    .action(async (files: readonly string[], options: Options) => {
      const device = await requireDevice(cli);
      const on = options.on === undefined ? null : await pickDevice(device.api, options.on, cli.signal);
      const late = options.timeout === undefined ? null : AbortSignal.timeout(options.timeout * 1_000);
      const plan: Plan = { cell: options.cell ?? null, on, asJson: options.json === true, late };
      const code = await withClient(cli, device, async (client) => {
        for (const file of files) {
          const its = await runFile(cli, client, file, plan);
          if (its !== 0) return its;
        }
        return 0;
      });
      done(code);
    });
};

/** 0 when every cell completed. The first that does not is the last that is run, and its code is the answer. */
async function runFile(cli: Cli, client: Client, file: string, plan: Plan): Promise<ExitCode> {
  const open = await openFileDocument(cli, client, file);
  /** The last of each session: the outputs of one come in the order of its runs. */
  const ended = new Map<SessionId, RunId>();
  try {
    const chosen = chooseCells(cellsOf(open), file, plan.cell);
    for (const { id } of chosen) {
      // Read anew each time: the output of the cell before has moved what follows, and somebody may be editing.
      const cell = cellsOf(open).find((each) => each.id === id);
      if (cell === undefined) cli.err.write('A cell was deleted meanwhile and is not run.\n');
      else {
        const code = await runCell(cli, client, open, cell, plan, ended);
        if (code !== 0) return code;
      }
    }
    return 0;
  } finally {
    open.close();
    await outputsInFile(cli, client, ended);
  }
}

/** Whoever reads the file after this command finds the outputs there. A device that is too busy for that is not waited for. */
async function outputsInFile(cli: Cli, client: Client, ended: ReadonlyMap<SessionId, RunId>): Promise<void> {
  if (cli.signal.aborted) return;
  const signal = AbortSignal.any([cli.signal, AbortSignal.timeout(OUTPUTS_MS)]);
  const written = [...ended.values()].map((id) => client.api('runOutput', { params: { id }, signal }));
  await Promise.allSettled(written);
}

function chooseCells(cells: readonly RunnableCell[], file: string, choice: CellChoice | null): readonly RunnableCell[] {
  if (cells.length === 0) throw new Failure('not_found', `${printable(file)} has no cell to run.`);
  if (choice === null) return cells;
  const cell = typeof choice === 'number' ? cells[choice - 1] : cells.find(({ label }) => label === choice);
  if (cell !== undefined) return [cell];
  if (typeof choice === 'number')
    throw new Failure('not_found', `${printable(file)} has no cell ${choice}; its last is cell ${cells.length}.`);
  const labels = cells.flatMap(({ label }) => (label === null ? [] : [printable(label)]));
  const known = labels.length === 0 ? 'None of its cells has a label.' : `Its labels: ${labels.join(', ')}.`;
  throw new Failure('not_found', `${printable(file)} has no cell called ${printable(choice)}. ${known}`);
}

async function runCell(
  cli: Cli,
  client: Client,
  open: OpenDocument,
  cell: RunnableCell,
  { on, asJson, late }: Plan,
  over: Map<SessionId, RunId>,
): Promise<ExitCode> {
  if (isOver(late)) return sayLate(cli);
  for (const problem of cell.problems) cli.err.write(`${printable(problem)}\n`);
  const request = {
    id: newId<RunId>({ now: () => cli.now(), randomBytes: (length) => cli.randomBytes(length) }),
    projectId: open.projectId,
    documentId: open.documentId,
    cellId: cell.id,
    language: cell.language,
    code: cell.code,
    docVersion: open.version(),
    ...(on === null ? {} : { runOn: on.id }),
  };
  const run = await client.submitRun(request, cli.signal);
  if (!asJson && run.routedTo.why !== undefined) cli.err.write(`${printable(run.routedTo.why)}\n`);
  const ended = await followToEnd(cli, client, run, {
    attended: true,
    ...(late === null ? {} : { until: late }),
    onEvent: (event) => (asJson ? cli.out.write(jsonLine(event)) : writeEvent(cli, event)),
  });
  over.set(ended.sessionId, ended.id);
  if (asJson) cli.out.write(jsonLine({ run: ended }));
  if (isOver(late) && ended.state !== 'completed') return sayLate(cli);
  if (!asJson && ended.state === 'cancelled') cli.err.write('The run was cancelled.\n');
  return exitCodeOf(ended);
}

const isOver = (late: AbortSignal | null): boolean => late?.aborted === true;

function sayLate(cli: Cli): ExitCode {
  cli.err.write('It was not done in time, and what still ran was cancelled. What it printed is kept.\n');
  return TIMED_OUT;
}

function parseCell(text: string): CellChoice {
  const number = Number(text);
  if (text.trim() === '' || (!Number.isNaN(number) && (!Number.isInteger(number) || number < 1)))
    throw new InvalidArgumentError('Cells are counted from 1.');
  return Number.isNaN(number) ? text : number;
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= SECONDS_MAX)) throw new InvalidArgumentError('It is a number of seconds above 0.');
  return seconds;
}
