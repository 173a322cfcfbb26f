/**
 * The interpreter of a JavaScript session: `main.mjs`, on Node 20 or newer, with nothing but Node.
 *
 * Events go to descriptor 3 and orders come from 4, a line of JSON each; `breaker.mjs` writes to 3 and listens on 5.
 * What was answered to a question comes on descriptor 0, as a line, or as an order when the code does not stand still
 * for it.
 */
import { createRequire } from 'node:module';
import { Socket } from 'node:net';
import path from 'node:path';
import { createAnswers } from './answers.mjs';
import { createCells } from './cells.mjs';
import { createDisplay } from './display.mjs';
import { emit, openEvents } from './events.mjs';
import { beginInput, forgetInput, takeInput, takeOverStreams } from './streams.mjs';

globalThis.require = createRequire(path.join(process.cwd(), 'cell.js'));
globalThis.display = createDisplay((payload) => emit({ event: 'display', payload }));
takeOverStreams();

const cells = createCells();
const answer = createAnswers(cells);

// Nobody catches these: the code goes on as if it had, and says so.
for (const name of ['uncaughtException', 'unhandledRejection'])
  process.on(name, (error) => process.stderr.write(`Uncaught ${cells.describe(error).traceback.join('\n')}\n`));
// An interrupt comes as an order; the signal that goes with it is for the programs that a cell has started.
process.on('SIGINT', () => undefined);

async function obey(order) {
  if (order.op === 'execute') {
    beginInput();
    const word = await cells.run(order);
    forgetInput();
    emit({ event: 'done', number: order.number, word });
  } else if (order.op === 'interrupt') cells.interrupt(order.number);
  else if (order.op === 'input') takeInput(order.text);
  else if (order.op === 'ask') {
    try {
      emit({ event: 'told', ref: order.ref, answer: await answer(order.kind, order.question) });
    } catch (error) {
      emit({ event: 'told', ref: order.ref, problem: String(error?.message ?? error) });
    }
  }
}

await openEvents();
const orders = new Socket({ fd: 4, readable: true, writable: true });
let waiting = '';
orders.setEncoding('utf8');
orders.on('data', (text) => {
  const lines = (waiting + text).split('\n');
  waiting = lines.pop() ?? '';
  for (const line of lines) void obey(JSON.parse(line));
});
// Its keeper is gone.
orders.on('close', () => process.exit(1));
emit({ event: 'ready', version: process.versions.node });
