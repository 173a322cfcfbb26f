/** Runs in the page: a document that a stock `y-webrtc` keeps equal with other browsers. */
import { WebrtcProvider } from 'y-webrtc';
import * as Y from 'yjs';

export function meet(room: string, signaling: string): { readonly text: Y.Text; peers(): number } {
  const doc = new Y.Doc();
  const provider = new WebrtcProvider(room, doc, {
    signaling: [signaling],
    // No server says how it is reached: the two are on one machine.
    peerOpts: { config: { iceServers: [] } },
  });
  return { text: doc.getText('content'), peers: () => provider.room?.webrtcConns.size ?? 0 };
}
