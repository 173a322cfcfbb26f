/**
 * What programs of the runtime protocol call a session: `PROJECT:NAME@LANGUAGE`, of which each part may be left out.
 *
 * 1. `PROJECT` ends at the first colon, `LANGUAGE` begins after the last `@`; neither holds what parts them.
 * 2. What `writeSessionName` writes, `readSessionName` reads back, whatever the name holds.
 */
import { Failure, UUID_PATTERN, type SessionId } from '@markco/protocol';

const NAME_CHARS_MAX = 100;
const UNREADABLE = /\p{Cc}|\p{Cs}/u;

/** Null is left out. */
export type SessionName = {
  readonly project: string | null;
  readonly name: string | null;
  readonly language: string | null;
};

/** A session's own id, or its name in parts. `bad_request` for what is neither. */
export function readSessionName(text: string): { readonly id: SessionId } | SessionName {
  if (UUID_PATTERN.test(text)) return { id: text as SessionId };
  const at = text.lastIndexOf('@');
  const colon = text.indexOf(':');
  const end = at < 0 || at < colon ? text.length : at;
  const name = text.slice(colon + 1, end);
  if (name.length > NAME_CHARS_MAX || UNREADABLE.test(name)) {
    throw new Failure(
      'bad_request',
      `A session's name has at most ${NAME_CHARS_MAX} characters, and none that cannot be seen. Give it another one.`,
    );
  }
  return {
    project: colon <= 0 ? null : text.slice(0, colon),
    name: name === '' ? null : name,
    language: end + 1 >= text.length ? null : text.slice(end + 1),
  };
}

/** Parts that are null are left out where the name can be read without them. */
export function writeSessionName(
  name: string,
  parts: { readonly project: string; readonly language: string },
  leaveOut: { readonly project: boolean; readonly language: boolean },
): string {
  // Without these, a colon or an @ of the name would be taken for the one that parts.
  const project = leaveOut.project && !name.includes(':') ? '' : `${parts.project}:`;
  const isBare = leaveOut.language && !name.includes('@') && !UUID_PATTERN.test(name);
  return `${project}${name}${isBare ? '' : `@${parts.language}`}`;
}
