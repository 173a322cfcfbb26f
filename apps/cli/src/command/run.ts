/** `markco run FILE…`: runs the cells of documents on the running device, as if somebody pressed run on each. */
import type { Client, OpenDocument } from '@markco/client/client';
import { Failure, newId, type Device, type RunId } from '@markco/protocol';
import { InvalidArgumentError } from 'commander';
import { cellsOf, type RunnableCell } from '../cell.ts';
import type { Cli } from '../cli.ts';
import { requireDevice } from '../device.ts';
import { writeEvent } from '../event-output.ts';
import { openFileDocument } from '../file-document.ts';
import { followToEnd } from '../follow.ts';
import { withClient } from '../peer.ts';
import { pickDevice } from '../reference.ts';
import { jsonLine, printable } from '../render.ts';
import { verb, type AddVerb, type JsonOption } from '../verb.ts';

type Options = JsonOption & { readonly cell?: number; readonly on?: string };
/** `on`: the device a person named. `cell`: counted from 1, or null for all of them. */
type Plan = { readonly cell: number | null; readonly on: Device | null; readonly asJson: boolean };

export const addRun: AddVerb = (program, cli, done) => {
  verb(program, 'run <FILE...>', 'Run the cells of documents in order, until one fails', [
    'markco run notes/train.md',
    'markco run notes/train.md --cell 3',
    'markco run *.md --json',
  ])
    .option('--cell <n>', 'only the cell with this number, counted from 1', parseCell)
    .option('--on <device>', 'on this device, by its name or id')
    .action(async (files: readonly string[], options: Options) => {
      const device = await requireDevice(cli);
      const on = options.on === undefined ? null : await pickDevice(device.api, options.on, cli.signal);
      const plan: Plan = { cell: options.cell ?? null, on, asJson: options.json === true };
      const worked = await withClient(cli, device, async (client) => {
        for (const file of files) if (!(await runFile(cli, client, file, plan))) return false;
        return true;
      });
      done(worked ? 0 : 1);
    });
};

/** Whether every cell completed. The first that does not is the last that is run. */
async function runFile(cli: Cli, client: Client, file: string, plan: Plan): Promise<boolean> {
  const open = await openFileDocument(cli, client, file);
  try {
    const chosen = chooseCells(cellsOf(open), file, plan.cell);
    for (const { id } of chosen) {
      // Read anew each time: the output of the cell before has moved what follows, and somebody may be editing.
      const cell = cellsOf(open).find((each) => each.id === id);
      if (cell === undefined) cli.err.write('A cell was deleted meanwhile and is not run.\n');
      else if (!(await runCell(cli, client, open, cell, plan))) return false;
    }
    return true;
  } finally {
    open.close();
  }
}

function chooseCells(cells: readonly RunnableCell[], file: string, number: number | null): readonly RunnableCell[] {
  if (cells.length === 0) throw new Failure('not_found', `${printable(file)} has no cell to run.`);
  if (number === null) return cells;
  const cell = cells[number - 1];
  if (cell === undefined)
    throw new Failure('not_found', `${printable(file)} has no cell ${number}; its last is cell ${cells.length}.`);
  return [cell];
}

async function runCell(
  cli: Cli,
  client: Client,
  open: OpenDocument,
  cell: RunnableCell,
  { on, asJson }: Plan,
): Promise<boolean> {
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
  const ended = await followToEnd(cli, client, run, {
    attended: true,
    onEvent: (event) => (asJson ? cli.out.write(jsonLine(event)) : writeEvent(cli, event)),
  });
  if (asJson) cli.out.write(jsonLine({ run: ended }));
  else if (ended.state === 'cancelled') cli.err.write('The run was cancelled.\n');
  return ended.state === 'completed';
}

function parseCell(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('Cells are counted from 1.');
  return number;
}
