/**
 * What another device may ask of this one to move a session: that one of here leaves, or that one comes here.
 *
 * 1. Who may not submit, or whose owner lets nothing run for others, is refused before anything it says is looked at. What
 *    comes needs a grant besides, for these very values.
 * 2. When the stream ends before all is said, everything is as it was.
 */
import { Failure, type DeviceId, type DevicePolicy } from '@markco/protocol';
import { checkGrant } from '@markco/protocol/identity';
import type { Peers } from '@markco/client/mesh/peers';
import type { MessageStream } from '@markco/replica/replicate/message-stream';
import { PassThrough } from 'node:stream';
import { once } from 'node:events';
import type { Coming, Leaving, Packed } from '../../runtimes/session-moves.ts';
import { sessionInGrant } from '../placing/survey.ts';
import { requireSubmitter } from '../sessions/serve-sessions.ts';
import { systemVerify } from '../system-signature.ts';
import type { Trust } from '../trust.ts';
import { answer, type Said } from './conversation.ts';
import type { MovesHere } from './moves-here.ts';
import { codeOfValues, QuestionSchema, read } from './messages.ts';

/** Moves of other devices at once. */
const MOVES_MAX = 4;

export type ServeMoveParts = {
  readonly trust: Trust;
  readonly peers: Pick<Peers, 'certificateOf'>;
  readonly device: { readonly id: DeviceId; readonly name: string };
  readonly policy: () => Promise<DevicePolicy>;
  readonly here: MovesHere;
  /** A session has come or gone. */
  readonly onMoved: (event: 'session.left' | 'session.arrived', from: DeviceId, packed: Packed) => void;
  readonly onTrouble: (doing: string, cause: unknown) => void;
};

export function createServeMove(parts: ServeMoveParts): (stream: MessageStream, from: DeviceId) => void {
  const { trust, peers, device, here, onTrouble } = parts;
  let moves = 0;

  async function requireLeave(from: DeviceId): Promise<void> {
    requireSubmitter({ trust, peers }, from);
    const { allowRemoteExecution, maxConcurrentRuns } = await parts.policy();
    if (!allowRemoteExecution || maxConcurrentRuns === 0)
      throw new Failure(
        'forbidden',
        `${device.name} is set to run nothing for other devices, and gives and takes no sessions. Its owner can change that there.`,
      );
  }

  function requireGrant(from: DeviceId, packed: Packed, text: string): void {
    const certificate = peers.certificateOf(from);
    if (certificate === undefined) throw new Failure('forbidden', 'This device has not said who it is.');
    const grant = checkGrant(new Uint8Array(Buffer.from(text, 'base64')), {
      ...{ host: device.id, code: codeOfValues(packed.hash), certificate },
      ...{ members: trust.members, now: trust.now(), verify: systemVerify },
    });
    if (grant instanceof Failure) throw grant;
    if (grant.submitter !== from || grant.project !== packed.projectId || grant.session !== sessionInGrant(packed))
      throw new Failure('forbidden', 'The grant is for another session.');
  }

  return (stream, from) => {
    const ended = new AbortController();
    let leaving: { readonly it: Leaving; readonly parts: AsyncIterator<Uint8Array> } | null = null;
    let taking: {
      readonly packed: Packed;
      readonly through: PassThrough;
      readonly coming: Promise<Coming>;
      came: number;
    } | null = null;
    let isSettled = false;
    moves++;

    async function takePart(part: Uint8Array): Promise<Said> {
      if (taking === null) throw new Failure('bad_request', 'Say first what comes.');
      const { through, coming, packed } = taking;
      taking.came += part.length;
      if (taking.came >= packed.bytes) {
        through.end(part);
        return { op: 'taken', session: (await coming).session };
      }
      // What went wrong there is said now; what is on its way there is bounded by what it holds.
      if (!through.write(part)) await Promise.race([once(through, 'drain', { signal: ended.signal }), coming]);
      return { op: 'ready' };
    }

    async function say(said: Said): Promise<Said> {
      await requireLeave(from);
      if (said instanceof Uint8Array) return takePart(said);
      const question = read(QuestionSchema, said);
      if (question.op === 'leave') {
        if (leaving !== null || taking !== null) throw new Failure('bad_request', 'One session at a time.');
        if (moves > MOVES_MAX)
          throw new Failure('too_many', 'Too many sessions are being moved. Try again in a moment.');
        const it = await here.leave(question.session, question.wait, ended.signal);
        if (ended.signal.aborted) await it.stay();
        leaving = { it, parts: it.parts()[Symbol.asyncIterator]() };
        return it.packed;
      }
      if (question.op === 'take') {
        if (leaving !== null || taking !== null) throw new Failure('bad_request', 'One session at a time.');
        if (moves > MOVES_MAX)
          throw new Failure('too_many', 'Too many sessions are being moved. Try again in a moment.');
        const { packed, source, replace } = question;
        requireGrant(from, packed, question.grant);
        const through = new PassThrough();
        const coming = here.come(packed, through, { source, replace, signal: ended.signal });
        // Said with the next part.
        coming.catch(() => undefined);
        taking = { packed, through, coming, came: 0 };
        return { op: 'ready' };
      }
      if (question.op === 'part') {
        const next = await leaving?.parts.next();
        if (next === undefined || next.done === true) throw new Failure('bad_request', 'There is nothing more.');
        return next.value;
      }
      if (question.op === 'left') {
        if (leaving === null) throw new Failure('bad_request', 'Nothing leaves.');
        await leaving.it.left();
        parts.onMoved('session.left', from, leaving.it.packed);
      } else {
        if (taking === null) throw new Failure('bad_request', 'Nothing has come.');
        await (await taking.coming).keep();
        parts.onMoved('session.arrived', from, taking.packed);
      }
      isSettled = true;
      return { op: 'done' };
    }

    async function end(): Promise<void> {
      moves--;
      ended.abort(new Failure('not_ready', 'The device that moves the session is gone.'));
      taking?.through.destroy();
      if (isSettled) return;
      await leaving?.it.stay();
      const came = await taking?.coming.catch(() => null);
      await came?.undo();
    }

    answer(stream, say, () => void end().catch((cause: unknown) => onTrouble('leaving a session as it was', cause)));
  };
}
