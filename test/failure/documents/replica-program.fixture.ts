/**
 * For tests: of a device what keeps documents (its store, log, rooms and sync sockets) and nothing else, as a program
 * of its own, which starts in a fraction of the time. Where it listens is its one line of output.
 */
import type { DeviceId, DocumentId, Subject, UserId } from '@markco/protocol';
import { openReplica } from '@markco/replica/documents/open-replica';
import { listen } from '@markco/replica/listen/server';
import { serveSyncSocket } from '@markco/replica/listen/sync-socket';
import { openLevelStore } from '@markco/replica/store/level';
import type { AddressInfo } from 'node:net';

type Target = { readonly kind: 'sync'; readonly documentId: DocumentId };

const owner: Subject = {
  role: 'owner',
  userId: '00000000-0000-7000-8000-0000000000a1' as UserId,
  operates: true,
  enrols: true,
};
const [home = '', port = '0'] = process.argv.slice(2);
const fail = (cause: unknown): never => {
  throw cause;
};
const { rooms } = await openReplica({
  store: await openLevelStore(home),
  self: '00000000-0000-7000-8000-0000000000e1' as DeviceId,
  now: Date.now,
  beginning: async () => 'empty',
  begun: async () => undefined,
  onStorage: ({ ok }, cause) => void (ok || fail(cause)),
  onTrouble: (_id, _doing, cause) => fail(cause),
});
const { server } = await listen<Target>(
  {
    guard: { foreign: () => undefined, subject: () => owner },
    tickets: { admit: () => undefined },
    http: (_request, response) => void response.writeHead(404).end(),
    resolve: ({ pathname }): Target => ({ kind: 'sync', documentId: pathname.slice(1) as DocumentId }),
    serve: ({ documentId }, connection) =>
      serveSyncSocket(connection, rooms, { opened() {}, acknowledged() {} }, documentId, false),
    onSocket() {},
    onSocketError() {},
  },
  Number(port),
  '127.0.0.1',
);
process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
