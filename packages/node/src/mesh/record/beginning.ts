/**
 * The first change of every mesh record: empty tables. It is the same bytes by the same author on every device, so that
 * two devices that were each alone have one beginning, and what they wrote apart merges.
 *
 * It is kept as bytes, not made: a later Automerge that writes the same change in another way would begin another
 * record. Its test makes it anew from `beginRecord`.
 */
import { change, init, type Doc } from '@automerge/automerge';

/** The tables as Automerge has them; what is in them was written by other devices, so it is read by `view.ts` alone. */
export type RawRecord = {
  readonly devices: Table;
  readonly projects: Table;
  readonly attachments: Table;
  readonly sessions: Table;
  readonly members: Table;
};
/** One row a device, a project and so on, by its id. */
export type Table = { [id: string]: Row };
export type Row = { [field: string]: unknown };

export const TABLES = ['devices', 'projects', 'attachments', 'sessions', 'members'] as const;
export type TableName = (typeof TABLES)[number];

/** No device has it. */
const NOBODY = '00';

export function beginRecord(): Doc<RawRecord> {
  return change(init<RawRecord>({ actor: NOBODY }), { time: 0 }, (draft) => {
    const tables = draft as { -readonly [name in TableName]: Table };
    for (const name of TABLES) tables[name] = {};
  });
}

export const BEGINNING = new Uint8Array(
  Buffer.from(
    'hW9Kgxi4iQYAjAEBAQABu8lkBdm1OTX3amIZ75UYdfCdftaR0IxyMtLbJ2YP7xAGAQIDAhMCIwJAAlYCBxUvIQIjBjQBQgJWAoABAn8AfwF/BX8AfwB/B3sLYXR0YWNobWVudHMHZGV2aWNlcwdtZW1iZXJzCHByb2plY3RzCHNlc3Npb25zBQB7A34EfQIFBQAFAAUAAA==',
    'base64',
  ),
);
