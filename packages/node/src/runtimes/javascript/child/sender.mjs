/**
 * Sends what the other thread says to the keeper, a line of JSON an event: so that it is seen also when that thread
 * never comes back, and a flood of prints costs one write for many.
 */
import { createReader } from './ring.mjs';

/** The kinds of record. An event of JSON comes in pieces, and counts once its end is there. */
export const STDOUT = 1;
export const STDERR = 2;
export const BEGIN = 3;
export const MORE = 4;
export const END = 5;

/** How long prints gather, once one was sent. */
export const GATHER_MS = 2;

/** @param socket where lines are written; @returns calls it: something was said, and it is not looking */
export function createSender(memory, socket) {
  const ring = createReader(memory);
  let isBusy = false;
  let event = [];

  function look() {
    const lines = [];
    let texts = [];
    let stream = STDOUT;
    const endText = () => {
      if (texts.length > 0)
        lines.push(
          JSON.stringify({ event: 'text', stream: stream === STDOUT ? 'stdout' : 'stderr', text: texts.join('') }),
        );
      texts = [];
    };
    const position = ring.take((kind, text) => {
      if (kind > STDERR) {
        endText();
        if (kind === BEGIN) event = []; // What was there before has no end: V8 ended who said it.
        if (kind === END) lines.push(event.join(''));
        else event.push(text);
        return;
      }
      if (kind !== stream) endText();
      stream = kind;
      texts.push(text);
    });
    endText();
    if (position === null) return rest();
    const release = () => {
      ring.release(position);
      setTimeout(look, GATHER_MS);
    };
    if (lines.length > 0) socket.write(`${lines.join('\n')}\n`, release);
    else release();
  }

  function rest() {
    isBusy = false;
    if (!ring.rest()) begin();
  }

  function begin() {
    if (isBusy) return;
    isBusy = true;
    ring.begin();
    look();
  }

  return begin;
}
