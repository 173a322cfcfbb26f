/**
 * WebRTC, loaded when somebody first calls by it: it is a third of what a device with others would load at each start, and
 * most connect without it. Who listens by it has it from the start.
 */
import { transportSymbol, type Connection, type Stream, type Transport } from '@libp2p/interface';
import type * as webrtc from '@libp2p/webrtc';
import type { Libp2pOptions } from 'libp2p';
import { guarded, standIn, type Guard } from './guarded.ts';
import { SIGNALING } from './protocols.ts';
import { boundedWebRtc } from './webrtc-listener.ts';

export type Factory = NonNullable<Libp2pOptions['transports']>[number];
type Library = Pick<typeof webrtc, 'webRTC' | 'webRTCDirect'>;
type OnSignaling = (stream: Stream, connection: Connection) => void;

export type WebRtcParts = {
  readonly guard: Guard;
  readonly stunServers: () => readonly string[];
  readonly listens: boolean;
  /** @throws where this system has no program for it */
  readonly load: () => Promise<Library>;
  readonly onTrouble: (doing: string, cause: unknown) => void;
};

/** Without it, devices behind routers stay with a relay: it is compiled for most systems, not for all. */
export async function webRtc(parts: WebRtcParts): Promise<{ readonly factories: Factory[]; readonly isLost: boolean }> {
  let loading: Promise<Library> | undefined;
  const load = (): Promise<Library> =>
    (loading ??= parts.load().catch((error: unknown) => {
      parts.onTrouble('loading WebRTC, which this system has no program for', error);
      throw error;
    }));
  const loaded = parts.listens ? await load().catch(() => null) : undefined;
  if (loaded === null) return { factories: [], isLost: true };

  // Asked anew for each connection. Left out, it would be servers of strangers.
  const rtcConfiguration = () => ({ iceServers: parts.stunServers().map((urls) => ({ urls })) });
  // Who is listened for is at a known address: nobody else is asked.
  const direct = { rtcConfiguration: { iceServers: [] } };
  return {
    factories: [
      signaled(async () => (await load()).webRTC({ rtcConfiguration }), parts.guard),
      loaded === undefined
        ? dialOnly('@libp2p/webrtc-direct', /\/webrtc-direct\//, async () => (await load()).webRTCDirect(direct))
        : boundedWebRtc(loaded.webRTCDirect(direct)),
    ],
    isLost: false,
  };
}

/** A transport that is made once somebody dials by it. */
function dialOnly(tag: string, address: RegExp, load: () => Promise<Factory>): Factory {
  return (components) => {
    let made: Promise<Transport> | undefined;
    return {
      [transportSymbol]: true,
      [Symbol.toStringTag]: tag,
      dialFilter: (addresses) => addresses.filter((each) => address.test(each.toString())),
      listenFilter: () => [],
      createListener() {
        throw new Error('this transport only dials');
      },
      async dial(to, options) {
        made ??= load().then((make) => make(components));
        return (await made).dial(to, options);
      },
    };
  };
}

/** The same for the one that meets by way of a relay: it is made as well once another device calls, if that is let in. */
function signaled(load: () => Promise<Factory>, guard: Guard): Factory {
  return (components) => {
    const { registrar } = guarded(components, guard);
    let made: Promise<{ readonly transport: Transport; readonly onSignaling: OnSignaling }> | undefined;
    /** What it would register itself is handed on from here. */
    async function make() {
      const { promise, resolve } = Promise.withResolvers<OnSignaling>();
      const mine = standIn(components, 'registrar', (theirs: object) =>
        standIn(theirs, 'handle', () => (_: string, handler: OnSignaling) => resolve(handler)),
      );
      const transport = (await load())(mine);
      await (transport as unknown as { start(): Promise<void> }).start();
      return { transport, onSignaling: await promise };
    }
    const transport = dialOnly('@libp2p/webrtc', /\/webrtc(\/|$)/, async () => {
      const { transport: ready } = await (made ??= make());
      return () => ready;
    })(components);
    return Object.assign(transport, {
      start: () =>
        registrar.handle(
          SIGNALING,
          (stream, connection) =>
            void (made ??= make()).then(
              ({ onSignaling }) => onSignaling(stream, connection),
              (cause: unknown) => stream.abort(cause instanceof Error ? cause : new Error(String(cause))),
            ),
          { runOnLimitedConnection: true },
        ),
      stop: () => registrar.unhandle(SIGNALING),
    });
  };
}
