/**
 * The messages of one turn as one piece of memory, made once for all connections that are sent the same ones: a
 * `write` of one buffer costs a fraction of a `writev` of many, and a document's readers all get the same.
 *
 * Only the last result is kept; what is larger than a slice of a socket's buffer is not worth copying.
 */
export type JoinMessages = (messages: readonly Uint8Array[]) => Uint8Array | undefined;

const JOINED_BYTES_MAX = 64 * 1024;

/** @returns undefined when they are better written one by one */
export function createJoinMessages(): JoinMessages {
  let parts: readonly Uint8Array[] = [];
  let joined: Uint8Array | undefined;

  return (messages) => {
    if (messages.length === parts.length && messages.every((message, at) => message === parts[at])) return joined;
    let size = 0;
    for (const message of messages) size += message.length;
    if (size > JOINED_BYTES_MAX) return undefined;
    parts = messages;
    joined = Buffer.concat(messages, size);
    return joined;
  };
}
