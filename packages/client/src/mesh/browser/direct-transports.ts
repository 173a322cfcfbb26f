/**
 * WebRTC, by which a browser reaches a device directly: at a UDP port that the device listens on, or by a hole that both
 * punch once they have met through a relay. Loaded when one is tried first: nothing else needs it.
 */
import type { Transport } from '@libp2p/interface';
import { webRTC, webRTCDirect } from '@libp2p/webrtc';
import type { Libp2pOptions } from 'libp2p';

type Factory = NonNullable<Libp2pOptions['transports']>[number];
/** What libp2p hands to its parts. */
export type Components = Parameters<Factory>[0];

/**
 * They are never started, so nobody calls this browser by them.
 *
 * @param stunServers asked anew for each connection; left out, it would be servers of strangers
 */
export function directTransports(components: Components, stunServers: () => readonly string[]): readonly Transport[] {
  const punched: Factory = webRTC({
    rtcConfiguration: () => ({ iceServers: stunServers().map((urls) => ({ urls })) }),
  });
  // Who listens is at a known address: nobody else is asked.
  const listening: Factory = webRTCDirect({ rtcConfiguration: { iceServers: [] } });
  return [punched, listening].map((make) => make(components));
}
