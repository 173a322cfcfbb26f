/**
 * Who is in a document and where their caret is: y-protocols awareness, kept by a relay as bytes.
 * A state is JSON that only clients read; here it is bounded and passed on, never parsed.
 */
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { LIMITS } from '../limits.ts';

export type AwarenessEntry = { readonly client: number; readonly clock: number; readonly state: string };

/** Throws on bytes that end too early or hold more entries than a document may have. */
export function decodeAwareness(update: Uint8Array): AwarenessEntry[] {
  const decoder = decoding.createDecoder(update);
  const count = decoding.readVarUint(decoder);
  if (count > LIMITS.awarenessClientsMax) throw new Error('too many awareness states');
  const entries: AwarenessEntry[] = [];
  for (let i = 0; i < count; i++) {
    entries.push({
      client: decoding.readVarUint(decoder),
      clock: decoding.readVarUint(decoder),
      state: decoding.readVarString(decoder),
    });
  }
  return entries;
}

export function encodeAwareness(entries: readonly AwarenessEntry[]): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, entries.length);
  for (const { client, clock, state } of entries) {
    encoding.writeVarUint(encoder, client);
    encoding.writeVarUint(encoder, clock);
    encoding.writeVarString(encoder, state);
  }
  return encoding.toUint8Array(encoder);
}

/** An absent client, as awareness says it. */
export const ABSENT = 'null';

function isTooLarge(state: string): boolean {
  return (
    state.length * 3 > LIMITS.awarenessBytesMax && new TextEncoder().encode(state).length > LIMITS.awarenessBytesMax
  );
}

/** The states of one document. */
export function createAwarenessTable() {
  const states = new Map<number, AwarenessEntry>();
  return {
    /** Takes in what is newer and returns it, to be passed on. States over the limit are dropped. */
    accept(entries: readonly AwarenessEntry[]): AwarenessEntry[] {
      const fresh: AwarenessEntry[] = [];
      for (const entry of entries) {
        const known = states.get(entry.client);
        const newer =
          known === undefined ||
          entry.clock > known.clock ||
          (entry.clock === known.clock && entry.state === ABSENT && known.state !== ABSENT);
        if (!newer || isTooLarge(entry.state)) continue;
        if (known === undefined && states.size >= LIMITS.awarenessClientsMax) continue;
        if (entry.state === ABSENT) states.delete(entry.client);
        else states.set(entry.client, entry);
        fresh.push(entry);
      }
      return fresh;
    },
    /** Marks clients as gone; returns what to tell the others. */
    remove(clients: Iterable<number>): AwarenessEntry[] {
      const gone: AwarenessEntry[] = [];
      for (const client of clients) {
        const known = states.get(client);
        if (known === undefined) continue;
        states.delete(client);
        gone.push({ client, clock: known.clock + 1, state: ABSENT });
      }
      return gone;
    },
    present(): AwarenessEntry[] {
      return [...states.values()];
    },
  };
}
export type AwarenessTable = ReturnType<typeof createAwarenessTable>;
