/** What carries streams to the user's other devices: a libp2p node with its transports, in a browser or in Node. */
import type { MessageStream } from '@markco/protocol/message-stream';

/** One way to a peer. */
export type Path = {
  readonly address: string;
  readonly isRelayed: boolean;
  readonly isOutgoing: boolean;
  /** Unix milliseconds. */ readonly since: number;
  /** Of the last ping, in milliseconds. */ readonly roundTripMs: number | null;
};

export type Handler = (stream: MessageStream, peerId: string) => void;

export type Network = {
  readonly peerId: string;
  /** @param streamsMax of one peer at once; further ones are reset */
  handle(protocol: string, handler: Handler, bytesMax?: number, streamsMax?: number): Promise<void>;
  /** `not_ready` when no address answers; who answers has proven to be this peer. Better ways are still tried then. */
  connect(peerId: string, addresses: readonly string[], signal: AbortSignal): Promise<void>;
  /**
   * Opens a stream to a peer that is connected: `not_ready`, `forbidden`.
   *
   * @param isAsking what comes on it was asked for here, and may come as fast as it can
   */
  open(
    peerId: string,
    protocol: string,
    signal: AbortSignal,
    bytesMax?: number,
    isAsking?: boolean,
  ): Promise<MessageStream>;
  /** Best first. */
  paths(peerId: string): readonly Path[];
  disconnect(peerId: string): Promise<void>;
  /** A member connects; anybody disconnects. */
  onPeer(listener: (peerId: string, isConnected: boolean) => void): void;
  /** A better way to a peer that was connected already has come up. */
  onBetterPath(listener: (peerId: string) => void): void;
  /** A peer that is connected says nothing; told again from time to time until it does, or is given up. */
  onSilence(listener: (peerId: string) => void): void;
};
