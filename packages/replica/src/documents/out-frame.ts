/** A message on its way to many connections: encoded once for all of them. */
export type OutFrame = {
  readonly payload: Uint8Array;
  /** For a change of the document: its log position. A connection that was cut back goes on from there. */
  readonly seq: number | undefined;
  /** The payload as one whole binary WebSocket message (RFC 6455 §5.2, unmasked), made at first use. */
  asWebSocketMessage(): Uint8Array;
};

class Encoded implements OutFrame {
  readonly payload: Uint8Array;
  readonly seq: number | undefined;
  #message: Uint8Array | undefined;

  constructor(payload: Uint8Array, seq: number | undefined) {
    this.payload = payload;
    this.seq = seq;
  }

  asWebSocketMessage(): Uint8Array {
    return (this.#message ??= webSocketMessage(this.payload));
  }
}

export function outFrame(payload: Uint8Array, seq?: number): OutFrame {
  return new Encoded(payload, seq);
}

/** The y-protocols message of one update (00 02 varBytes), written without an encoder: there is one for every edit. */
export function updateFrame(update: Uint8Array, seq?: number): OutFrame {
  let lengthBytes = 1;
  for (let rest = update.length; rest >= 0x80; rest = Math.floor(rest / 0x80)) lengthBytes++;
  const payload = new Uint8Array(2 + lengthBytes + update.length);
  payload[1] = 2;
  let at = 2;
  let rest = update.length;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) payload[at++] = (rest % 0x80) | 0x80;
  payload[at++] = rest;
  payload.set(update, at);
  return new Encoded(payload, seq);
}

/** One final, unmasked binary frame. */
export function webSocketMessage(payload: Uint8Array): Uint8Array {
  const length = payload.length;
  const header = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  // A socket wraps whatever is no Buffer in one, for each of its readers.
  const bytes = Buffer.allocUnsafe(header + length);
  bytes[0] = 0x82;
  if (header === 2) {
    bytes[1] = length;
  } else if (header === 4) {
    bytes[1] = 126;
    bytes.writeUInt16BE(length, 2);
  } else {
    bytes[1] = 127;
    bytes.writeBigUInt64BE(BigInt(length), 2);
  }
  bytes.set(payload, header);
  return bytes;
}
