/** What a document asks of who joins it, and answers to what they ask. */
import { encodeFrame, encodeStateVector, type Summary } from '@markco/protocol';
import * as Y from 'yjs';
import { outFrame, type OutFrame } from './out-frame.ts';
import { stateOf } from './state.ts';

const EMPTY_UPDATE = Uint8Array.of(0, 0);

type State = {
  readonly base: Uint8Array | undefined;
  readonly tail: readonly Uint8Array[];
  readonly placedSeq: number;
};

/** "This is what is here; send what is lacking." */
export const questionOf = (summary: Summary): OutFrame =>
  outFrame(encodeFrame({ type: 'step1', stateVector: encodeStateVector(summary.clocks) }));

/** What somebody lacks who has this state vector. */
export function answerTo({ base, tail, placedSeq }: State, stateVector: Uint8Array): OutFrame {
  const state = stateOf(base, tail);
  const update = state === undefined ? EMPTY_UPDATE : Y.diffUpdate(state, stateVector);
  return outFrame(encodeFrame({ type: 'step2', update }), placedSeq);
}

/** Everything. */
export const wholeAnswer = ({ base, tail, placedSeq }: State): OutFrame =>
  outFrame(encodeFrame({ type: 'step2', update: stateOf(base, tail) ?? EMPTY_UPDATE }), placedSeq);
