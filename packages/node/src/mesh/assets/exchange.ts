/**
 * Keeps the lists of files equal that two devices have of the projects both have open. As with documents: one digest of
 * a list, one of each of its 256 groups where that differs, the rows of the groups that differ. What changes while they
 * are connected is told at once.
 */
import { Failure, ProjectIdSchema, type DeviceId, type ProjectId } from '@markco/protocol';
import * as z from 'zod/mini';
import type { MessageStream } from '@markco/replica/replicate/message-stream';
import type { AssetList } from './list.ts';
import { AssetRowSchema, differingGroups, groupOf, listHash, type AssetRow } from './row.ts';

export const ASSET_LISTS = '/markco/asset-lists/1.0.0';
export const LIST_MESSAGE_BYTES_MAX = 2 * 1024 * 1024;
const ROWS_MAX = 400;
const PROJECTS_MAX = 10_000;
const GROUP_BYTES = 2_048;

const projectId = ProjectIdSchema;
const MessageSchema = z.discriminatedUnion('op', [
  /** All that the sender has open. Said at first and when it changes. */
  z.object({
    op: z.literal('lists'),
    lists: z
      .array(z.object({ projectId, hash: z.string().check(z.regex(/^[0-9a-f]{16}$/)) }))
      .check(z.maxLength(PROJECTS_MAX)),
  }),
  /** Answered with the rows of the groups that differ, and `differ`, which is answered with those of the sender. */
  z.object({ op: z.literal('groups'), projectId, hashes: z.string().check(z.maxLength(4_096)) }),
  z.object({
    op: z.literal('differ'),
    projectId,
    groups: z.array(z.int().check(z.minimum(0), z.maximum(255))).check(z.maxLength(256)),
  }),
  z.object({ op: z.literal('rows'), projectId, rows: z.array(AssetRowSchema).check(z.maxLength(ROWS_MAX)) }),
  /** A page shows a file that nobody was told of. */
  z.object({ op: z.literal('wish'), projectId, path: z.string().check(z.maxLength(1_024)) }),
]);
type Message = z.infer<typeof MessageSchema>;

export type Exchange = {
  readonly peer: DeviceId;
  /** What is open here has changed. */
  tell(): void;
  /** Whether the other has the project open. */
  has(id: ProjectId): boolean;
  send(id: ProjectId, rows: readonly AssetRow[]): void;
  wish(id: ProjectId, path: string): void;
};

/** @param leads whether this device compares; the other one must not */
export function exchangeLists(
  stream: MessageStream,
  leads: boolean,
  parts: {
    readonly peer: DeviceId;
    /** Of projects that are open here. */
    readonly lists: () => readonly AssetList[];
    readonly onTrouble: (doing: string, cause: unknown) => void;
    /** The other one has opened something. */
    readonly onOpen: () => void;
  },
): Exchange {
  let others = new Map<ProjectId, string>();
  /** What was said last of the lists here. */
  let said = '';
  const say = (message: Message): void => stream.sendText(JSON.stringify(message));

  function send(id: ProjectId, rows: readonly AssetRow[]): void {
    if (!others.has(id)) return;
    for (let at = 0; at < rows.length; at += ROWS_MAX)
      say({ op: 'rows', projectId: id, rows: rows.slice(at, at + ROWS_MAX) });
  }

  function sendGroups(list: AssetList, groups: ReadonlySet<number>): void {
    send(
      list.projectId,
      [...list.rows()].filter(({ path }) => groups.has(groupOf(path))),
    );
  }

  function compare(): void {
    if (!leads) return;
    for (const list of parts.lists()) {
      const theirs = others.get(list.projectId);
      if (theirs === undefined || theirs === listHash(list.groups())) continue;
      say({ op: 'groups', projectId: list.projectId, hashes: Buffer.from(list.groups()).toString('base64') });
    }
  }

  async function receive(message: Message): Promise<void> {
    if (message.op === 'lists') {
      others = new Map(message.lists.map(({ projectId: id, hash }) => [id, hash]));
      // The other one may have compared what it has opened only now with what this one had when it spoke last.
      if (!leads && said !== digests()) tell();
      compare();
      parts.onOpen();
      return;
    }
    const list = parts.lists().find((each) => each.projectId === message.projectId);
    if (list === undefined) return;
    if (message.op === 'rows') return list.take(message.rows, parts.peer);
    if (message.op === 'wish') return list.adopt(message.path);
    if (message.op === 'differ') return sendGroups(list, new Set(message.groups));
    const theirs = Buffer.from(message.hashes, 'base64');
    if (theirs.length !== GROUP_BYTES) throw new Failure('bad_request', 'A message could not be read.');
    const groups = differingGroups(list.groups(), theirs);
    sendGroups(list, groups);
    say({ op: 'differ', projectId: list.projectId, groups: [...groups] });
  }

  const listsHere = (): Extract<Message, { op: 'lists' }>['lists'] =>
    parts
      .lists()
      .slice(0, PROJECTS_MAX)
      .map((list) => ({ projectId: list.projectId, hash: listHash(list.groups()) }));
  const digests = (): string =>
    listsHere()
      .map(({ projectId: id, hash }) => `${id} ${hash}`)
      .toSorted()
      .join();

  function tell(): void {
    said = digests();
    say({ op: 'lists', lists: listsHere() });
    compare();
  }

  stream.onMessage((text) => {
    try {
      const json: unknown = typeof text === 'string' ? JSON.parse(text) : undefined;
      const parsed = MessageSchema.safeParse(json);
      if (!parsed.success) {
        // One of a later version is passed over.
        if (typeof json === 'object' && json !== null && 'op' in json && !OPS.has(json.op)) return;
        throw new Failure('bad_request', 'A message was refused.');
      }
      receive(parsed.data).catch((cause: unknown) => {
        parts.onTrouble('exchanging lists of files', cause);
        stream.abort(Failure.from(cause));
      });
    } catch (cause) {
      stream.abort(new Failure('bad_request', 'A message could not be read.', { cause }));
    }
  });
  tell();
  return {
    peer: parts.peer,
    tell,
    has: (id) => others.has(id),
    send,
    wish: (id, path) => others.has(id) && say({ op: 'wish', projectId: id, path }),
  };
}

const OPS: ReadonlySet<unknown> = new Set(['lists', 'groups', 'differ', 'rows', 'wish']);
