/**
 * Many streams on one connection (yamux), which says less than js-libp2p's does by itself, and counts what it says.
 *
 * That one answers every piece of data by opening the window again, with 30 bytes for an edit of as many. Here a window is
 * opened again once half of it is used, as yamux has it elsewhere: the other side has the other half meanwhile.
 */
import { yamux } from '@libp2p/yamux';
import type { Libp2pOptions } from 'libp2p';

/** What a peer may have sent on one stream before it is read here. Less than libp2p gathers before it gives up. */
const WINDOW_BYTES_MAX = 1024 * 1024;
const HEADER_BYTES = 12;

/** Bytes of one stream went out or came in; `protocol` is empty while the two agree on it. */
export type OnTraffic = (protocol: string, direction: 'sent' | 'received', bytes: number) => void;

type Frame = { readonly header: unknown; readonly data?: { readonly byteLength: number } };
/** The parts of a stream and of its muxer that libp2p has no public name for. */
type YamuxStream = {
  readonly protocol: string;
  recvWindow: number;
  readonly recvWindowCapacity: number;
  readonly state: number;
  sendFrame(header: unknown, data?: Frame['data']): boolean;
  handleData(frame: Frame): void;
  sendWindowUpdate(): void;
  abort(error: Error): void;
};
type YamuxMuxer = { _newStream(...parts: unknown[]): YamuxStream };
/** A stream that nobody was told of yet: its first window says so. */
const UNSAID = 0;
/** Any other state has something to say besides. */
const ESTABLISHED = 3;

export function thriftyYamux(
  onTraffic: OnTraffic = () => undefined,
): NonNullable<Libp2pOptions['streamMuxers']>[number] {
  const make = yamux({ streamOptions: { maxStreamWindowSize: WINDOW_BYTES_MAX } });
  return () => {
    const factory = make();
    const createStreamMuxer = factory.createStreamMuxer.bind(factory);
    factory.createStreamMuxer = (connection) => {
      const muxer = createStreamMuxer(connection);
      const inner = muxer as unknown as YamuxMuxer;
      const newStream = inner._newStream.bind(muxer);
      inner._newStream = (...parts) => thrifty(newStream(...parts), onTraffic);
      return muxer;
    };
    return factory;
  };
}

function thrifty(stream: YamuxStream, onTraffic: OnTraffic): YamuxStream {
  const { sendFrame } = stream;
  // What comes on a stream that was opened here was asked for: the first window is the largest.
  if (stream.state === UNSAID) stream.recvWindow = WINDOW_BYTES_MAX;
  const [handleData, sendWindowUpdate] = [stream.handleData.bind(stream), stream.sendWindowUpdate.bind(stream)];
  stream.sendFrame = (header, data) => {
    onTraffic(stream.protocol, 'sent', HEADER_BYTES + (data?.byteLength ?? 0));
    return sendFrame(header, data);
  };
  stream.handleData = (frame) => {
    onTraffic(stream.protocol, 'received', HEADER_BYTES + (frame.data?.byteLength ?? 0));
    handleData(frame);
  };
  stream.sendWindowUpdate = () => {
    if (stream.state === ESTABLISHED && stream.recvWindowCapacity > stream.recvWindow / 2) return;
    try {
      sendWindowUpdate();
    } catch (error) {
      // libp2p opens a stream in a turn of its own, and the connection may have broken before that: nobody is there to
      // catch it, and it would end the device.
      stream.abort(error instanceof Error ? error : new Error(String(error)));
    }
  };
  return stream;
}
