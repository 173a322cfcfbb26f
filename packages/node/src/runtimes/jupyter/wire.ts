/**
 * Jupyter's messages as they go over a socket, signed: `[identities…, <IDS|MSG>, signature, header, parent, metadata, content, buffers…]`.
 *
 * What carries a wrong signature is not from our kernel and is dropped by whoever reads it (`decode` gives null).
 * https://jupyter-client.readthedocs.io/en/stable/messaging.html
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

type Json = Readonly<Record<string, unknown>>;

export type MessageHeader = {
  readonly msg_id: string;
  readonly session: string;
  readonly username: string;
  readonly date: string;
  readonly msg_type: string;
  readonly version: string;
};

export type KernelMessage = {
  readonly type: string;
  /** Of this message, as it came: it is sent back as the parent of an answer. */
  readonly header: Json;
  /** The id of the request that this belongs to; '' when there is none. */
  readonly parent: string;
  readonly content: Json;
};

const DELIMITER = Buffer.from('<IDS|MSG>');
const FRAMES_MAX = 1_000;

export function encode(key: string, header: MessageHeader, content: Json, parent: Json = {}): Buffer[] {
  const parts = [header, parent, {}, content].map((part) => Buffer.from(JSON.stringify(part)));
  return [DELIMITER, Buffer.from(sign(key, parts)), ...parts];
}

/** Null for what is no message, or not from somebody who has the key. */
export function decode(key: string, frames: readonly Buffer[]): KernelMessage | null {
  const at = frames.slice(0, FRAMES_MAX).findIndex((frame) => frame.equals(DELIMITER));
  const [signature, ...parts] = frames.slice(at + 1, at + 6);
  if (at < 0 || signature === undefined || parts.length !== 4) return null;
  const expected = Buffer.from(sign(key, parts));
  if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) return null;
  try {
    const [header, parent, , content] = parts.map((part) => JSON.parse(part.toString('utf8')) as unknown);
    if (!isMap(header) || !isMap(content) || typeof header['msg_type'] !== 'string') return null;
    const parentId = isMap(parent) ? parent['msg_id'] : undefined;
    return { type: header['msg_type'], header, parent: typeof parentId === 'string' ? parentId : '', content };
  } catch {
    return null;
  }
}

export function isMap(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sign(key: string, parts: readonly Buffer[]): string {
  const hmac = createHmac('sha256', key);
  for (const part of parts) hmac.update(part);
  return hmac.digest('hex');
}
