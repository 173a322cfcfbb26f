/** What two peers talk over. */
import type { Failure } from './failure.ts';

/** Whole messages both ways, over whatever carries them: a stream between two devices, or a WebSocket. */
export type MessageStream = {
  /**
   * What is sent on a stream that has ended is dropped: who needs to know listens to its end. It is copied: the bytes are the
   * caller's again at once.
   */
  sendBytes(message: Uint8Array): void;
  sendText(text: string): void;
  /** Bytes that wait here to be sent. */
  waiting(): number;
  /** One listener each; what came before there was one waits for it. */
  onMessage(listener: (message: Uint8Array | string) => void): void;
  onDrain(listener: () => void): void;
  /** Called once, also when it is closed already: null when the other side ended it well. */
  onClose(listener: (why: Failure | null) => void): void;
  /** What was sent before still arrives. */
  close(): void;
  abort(why: Failure): void;
};
