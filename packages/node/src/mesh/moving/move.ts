/**
 * Moves a session from one device of the user to another. The device that is asked carries it: its right to submit counts
 * on both, so that one that has none (a server that stands in) gives and takes sessions without starting anything elsewhere.
 *
 * 1. The session is the one it was until the other device has said that it has the values, and keeps them. Only then does
 *    it end. What breaks off before leaves it as it was; what breaks off between leaves two, and says so.
 */
import {
  Failure,
  type DeviceId,
  type IdSource,
  type MigrationTarget,
  type RuntimeSession,
  type SessionId,
} from '@markco/protocol';
import { isHost } from '@markco/protocol/identity/caps';
import type { Coming, Leaving, Packed } from '../../runtimes/session-moves.ts';
import type { Mesh } from '../mesh.ts';
import type { Trust } from '../trust.ts';
import { createAsking, type Asking } from './conversation.ts';
import { MOVE, MOVE_MESSAGE_BYTES_MAX, PackedSchema, read, TakenSchema } from './messages.ts';
import type { MovesHere } from './moves-here.ts';
import { grantValues } from './grant-values.ts';

/** For each answer but that to a wait for runs. */
const ANSWER_MS = 60_000;

export type Moved = {
  readonly session: RuntimeSession;
  readonly to: DeviceId;
  readonly packed: Pick<Packed, 'projectId' | 'language' | 'name' | 'kept' | 'lost' | 'lostCount' | 'bytes'>;
};

export type Move = {
  readonly id: SessionId;
  /** Where it is; null: here. */
  readonly from: DeviceId | null;
  readonly target: MigrationTarget;
  /** For its runs to end. */
  readonly wait: boolean;
  /** In the place of a session of this name that is there. */
  readonly replace: boolean;
};

export type MoveParts = {
  readonly device: { readonly id: DeviceId; readonly name: string; readonly kind: string };
  readonly mesh: Pick<Mesh, 'host' | 'peers'>;
  readonly trust: Trust;
  readonly ids: IdSource;
  readonly here: MovesHere;
};

export function createMove({ device, mesh, trust, ids, here }: MoveParts) {
  function nameOf(id: DeviceId): string {
    return id === device.id ? device.name : (mesh.peers.list().find(({ deviceId }) => deviceId === id)?.name ?? 'it');
  }

  function targetOf(target: MigrationTarget): DeviceId {
    const all = [{ deviceId: device.id, kind: device.kind }, ...mesh.peers.list()];
    if (target !== 'cloud') {
      const found = all.find(({ deviceId }) => deviceId === target.deviceId);
      if (found === undefined) throw new Failure('not_found', 'This is none of your devices: `markco devices`.');
      if (found.deviceId !== device.id && !isHost(found.kind as Parameters<typeof isHost>[0]))
        throw new Failure('unsupported', `${nameOf(found.deviceId)} is a browser, and runs nothing.`);
      return found.deviceId;
    }
    const [server, another] = all.filter(({ kind }) => kind === 'server-agent');
    if (server === undefined)
      throw new Failure(
        'not_found',
        'None of your devices is beside a cloud. Add the one that is: `markco pair` here, `markco pair LINK` on the server.',
      );
    if (another !== undefined)
      throw new Failure('conflict', 'Several of your devices are servers. Name the one: `markco devices`.');
    return server.deviceId;
  }

  async function open(to: DeviceId): Promise<Asking> {
    const peer = mesh.peers.list().find(({ deviceId }) => deviceId === to);
    if (peer?.state !== 'connected')
      throw new Failure('not_ready', `${nameOf(to)} is not connected. Nothing was moved.`);
    const signal = AbortSignal.timeout(ANSWER_MS);
    return createAsking(await mesh.host.open(peer.peerId, MOVE, signal, MOVE_MESSAGE_BYTES_MAX, true));
  }

  const soon = (signal: AbortSignal): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);

  async function leaveThere(from: DeviceId, { id, wait }: Move, signal: AbortSignal): Promise<Leaving> {
    const talk = await open(from);
    try {
      const packed = read(
        PackedSchema,
        await talk.ask({ op: 'leave', session: id, wait }, wait ? signal : soon(signal)),
      );
      return {
        packed,
        async *parts() {
          for (let came = 0; came < packed.bytes;) {
            const part = await talk.ask({ op: 'part' }, soon(signal));
            if (!(part instanceof Uint8Array)) throw new Failure('bad_request', 'No part of the values came.');
            came += part.length;
            yield part;
          }
        },
        async left() {
          await talk.ask({ op: 'left' }, AbortSignal.timeout(ANSWER_MS));
          talk.close();
        },
        stay: async () => talk.close(),
      };
    } catch (error) {
      talk.close();
      throw error;
    }
  }

  async function comeThere(
    to: DeviceId,
    { packed, parts }: Leaving,
    source: string,
    { replace }: Move,
    signal: AbortSignal,
  ) {
    const talk = await open(to);
    try {
      const grant = grantValues({ packed, host: to, ids, trust });
      let said = await talk.ask({ op: 'take', packed, source, replace, grant }, soon(signal));
      for await (const part of parts()) said = await talk.ask(part, soon(signal));
      const coming: Coming = {
        session: read(TakenSchema, said).session,
        async keep() {
          await talk.ask({ op: 'keep' }, AbortSignal.timeout(ANSWER_MS));
          talk.close();
        },
        undo: async () => talk.close(),
      };
      return coming;
    } catch (error) {
      talk.close();
      throw error;
    }
  }

  return async (move: Move, signal: AbortSignal): Promise<Moved> => {
    const { id, from: there, wait } = move;
    const [from, to] = [there ?? device.id, targetOf(move.target)];
    if (from === to) throw new Failure('conflict', `This session is on ${nameOf(to)} already.`);
    if (to !== device.id) (await open(to)).close();
    const leaving = there === null ? await here.leave(id, wait, signal) : await leaveThere(there, move, signal);
    const { packed } = leaving;
    let coming: Coming;
    try {
      const options = { source: nameOf(from), replace: move.replace, signal };
      coming =
        to === device.id
          ? await here.come(packed, leaving.parts(), options)
          : await comeThere(to, leaving, options.source, move, signal);
    } catch (error) {
      await leaving.stay();
      const { code, message } = Failure.from(error);
      throw new Failure(code, `${message} Nothing was moved: the session is on ${nameOf(from)} as it was.`, {
        cause: error,
      });
    }
    try {
      await coming.keep();
    } catch (error) {
      await leaving.stay();
      await coming.undo();
      throw new Failure(
        'not_ready',
        `${nameOf(to)} did not say that it keeps the session. It is on ${nameOf(from)} as it was.`,
        {
          cause: error,
        },
      );
    }
    await leaving.left().catch((cause: unknown) => {
      throw new Failure(
        'conflict',
        `The session is on ${nameOf(to)} with its values, and on ${nameOf(from)} too, which did not say that it has ended it. Stop one of the two with \`markco sessions stop\`.`,
        { cause },
      );
    });
    return { session: coming.session, to, packed };
  };
}
