/**
 * The messages between the processes of one cloud (`bus.ts`). Each begins with who sends it:
 *
 *   written    process[16] n × (doc[16] seq[8] size[4] row[size])
 *                                                 what it has written at once to the logs of documents, up to seq each, as
 *                                                 a row of that log (`record.ts` of the replica); without it where that is
 *                                                 too large
 *   presence   process[16] doc[16] frame…         who is at the document there, as an awareness message
 *   who        process[16] doc[16]                "who is at this document at yours?"
 *   named      process[16]                        names or projects have changed
 *   signal     process[16] json…                  what a browser publishes to others (`sync/signal.ts`)
 *   agent      process[16] agent[16]              what is kept of an agent or its runs has changed (`agents`)
 *   said       process[16] user[16] run[16]       a run of an agent has said more
 *   ask        process[16] to[16] seq[8] sealed…  a question to one process (`asking.ts`), and its answer:
 *   answer     process[16] to[16] seq[8] sealed…
 *   here       process[16]                        said every two seconds
 *   gone       process[16]                        it stops
 */
import { formatUuid, parseUuid, type DeviceId, type DocumentId, type RunId, type UserId } from '@markco/protocol';
import { decodeUpdates, encodeUpdates } from '@markco/replica/documents/record';
import type { Committed } from '@markco/replica/shared/shared-log';
import type { Sealed } from './asking.ts';

/** What is said of plain agents. */
export type AgentsMessage =
  | { readonly kind: 'agent'; readonly agent: DeviceId }
  | { readonly kind: 'said'; readonly userId: UserId; readonly runId: RunId }
  | Sealed;

/** Up to a position in the log of a document; no entries: they are to be read there. */
export type Written = Committed & { readonly seq: number };

export type Message =
  | AgentsMessage
  | { readonly kind: 'written'; readonly written: readonly Written[] }
  | { readonly kind: 'presence'; readonly documentId: DocumentId; readonly frame: Uint8Array }
  | { readonly kind: 'who'; readonly documentId: DocumentId }
  | { readonly kind: 'signal'; readonly json: unknown }
  | { readonly kind: 'named' }
  | { readonly kind: 'here' }
  | { readonly kind: 'gone' };

const ID_BYTES = 16;
const SEQ_BYTES = 8;
const SIZE_BYTES = 4;

export function encodeMessage(process: string, message: Message): Uint8Array {
  const parts: Uint8Array[] = [parseUuid(process)];
  if ('documentId' in message) parts.push(parseUuid(message.documentId));
  if (message.kind === 'written')
    for (const { documentId, seq, entries } of message.written) {
      const row = entries.length === 0 ? new Uint8Array() : encodeUpdates(entries);
      parts.push(parseUuid(documentId), seqBytes(seq), sizeBytes(row.length), row);
    }
  else if (message.kind === 'agent') parts.push(parseUuid(message.agent));
  else if (message.kind === 'said') parts.push(parseUuid(message.userId), parseUuid(message.runId));
  else if (message.kind === 'ask' || message.kind === 'answer')
    parts.push(parseUuid(message.to), seqBytes(message.seq), message.sealed);
  else if (message.kind === 'presence') parts.push(message.frame);
  else if (message.kind === 'signal') parts.push(new TextEncoder().encode(JSON.stringify(message.json)));
  return Buffer.concat(parts);
}

function seqBytes(seq: number): Uint8Array {
  const bytes = new Uint8Array(SEQ_BYTES);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(seq));
  return bytes;
}

function sizeBytes(size: number): Uint8Array {
  const bytes = new Uint8Array(SIZE_BYTES);
  new DataView(bytes.buffer).setUint32(0, size);
  return bytes;
}

/**
 * Undefined for one of a later version. Throws on what is no message.
 * @param isOpen whether what was written of a document is of use here; of others how far they are is enough
 */
export function decodeMessage(
  kind: string,
  bytes: Uint8Array,
  isOpen: (id: DocumentId) => boolean,
): { readonly process: string; readonly message: Message } | undefined {
  const process = formatUuid(bytes.subarray(0, ID_BYTES));
  const rest = bytes.subarray(ID_BYTES);
  const idAt = (at: number): string => formatUuid(rest.subarray(at, at + ID_BYTES));
  const documentId = (): DocumentId => idAt(0) as DocumentId;
  const seqAt = (at: number): number =>
    Number(new DataView(rest.buffer, rest.byteOffset + at, SEQ_BYTES).getBigUint64(0));
  switch (kind) {
    case 'written': {
      const view = new DataView(rest.buffer, rest.byteOffset, rest.length);
      const written: Written[] = [];
      for (let at = 0; at < rest.length;) {
        const id = idAt(at) as DocumentId;
        const seq = seqAt(at + ID_BYTES);
        const begin = at + ID_BYTES + SEQ_BYTES + SIZE_BYTES;
        at = begin + view.getUint32(begin - SIZE_BYTES);
        const records = at === begin || !isOpen(id) ? [] : decodeUpdates(rest.subarray(begin, at));
        const entries = records.map((record, index) => ({ ...record, seq: seq - records.length + 1 + index }));
        written.push({ documentId: id, seq, entries });
      }
      return { process, message: { kind, written } };
    }
    case 'presence':
      return { process, message: { kind, documentId: documentId(), frame: rest.subarray(ID_BYTES) } };
    case 'who':
      return { process, message: { kind, documentId: documentId() } };
    case 'signal':
      return { process, message: { kind, json: JSON.parse(new TextDecoder().decode(rest)) } };
    case 'agent':
      return { process, message: { kind, agent: idAt(0) as DeviceId } };
    case 'said':
      return { process, message: { kind, userId: idAt(0) as UserId, runId: idAt(ID_BYTES) as RunId } };
    case 'ask':
    case 'answer':
      return {
        process,
        message: { kind, to: idAt(0), seq: seqAt(ID_BYTES), sealed: rest.subarray(ID_BYTES + SEQ_BYTES) },
      };
    case 'named':
    case 'here':
    case 'gone':
      return { process, message: { kind } };
    default:
      return undefined;
  }
}
