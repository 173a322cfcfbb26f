/** A stream to another device in the form that a client (`@markco/client`) takes for its one socket. */
import { Failure } from '@markco/protocol';
import type { MessageStream } from '@markco/protocol/message-stream';
import type { Socket } from '../socket.ts';

/** @param open rejects when the device is not connected; the client then tries again by itself */
export function peerSocket(open: () => Promise<MessageStream>): Socket {
  let stream: MessageStream | null = null;
  let isClosed = false;
  const socket: Socket = {
    binaryType: 'arraybuffer',
    onopen: null,
    onclose: null,
    onerror: null,
    onmessage: null,
    send(data) {
      if (typeof data === 'string') stream?.sendText(data);
      else stream?.sendBytes(data);
    },
    close() {
      isClosed = true;
      stream?.close();
    },
  };
  open().then(
    (opened) => {
      if (isClosed) return opened.close();
      stream = opened;
      opened.onMessage((message) =>
        socket.onmessage?.({
          data:
            typeof message === 'string'
              ? message
              : message.buffer.slice(message.byteOffset, message.byteOffset + message.byteLength),
        }),
      );
      opened.onClose(() => socket.onclose?.({}));
      socket.onopen?.({});
    },
    (error: unknown) => {
      socket.onerror?.(Failure.from(error));
      socket.onclose?.({});
    },
  );
  return socket;
}
